; What contracts.patch admits of words, by which each of these has no counterexample.
(set-logic QF_BV)

; scan_value: where the masks show nothing, no byte of eight is a control or DEL, so none is a CR or LF.
(push)
(declare-const word (_ BitVec 64))
(define-fun ones () (_ BitVec 64) #x0101010101010101)
(define-fun highs () (_ BitVec 64) (bvshl ones #x0000000000000007))
(define-fun low () (_ BitVec 64) (bvand (bvsub word (bvmul ones #x0000000000000020)) (bvnot word)))
(define-fun del () (_ BitVec 64) (bvand (bvsub (bvxor word (bvmul ones #x000000000000007f)) ones) (bvnot word)))
(define-fun stops ((byte (_ BitVec 8))) Bool (or (bvult byte #x20) (= byte #x7f)))
(assert (= (bvand (bvor low del) highs) #x0000000000000000))
(assert (or (stops ((_ extract 7 0) word)) (stops ((_ extract 15 8) word)) (stops ((_ extract 23 16) word))
            (stops ((_ extract 31 24) word)) (stops ((_ extract 39 32) word)) (stops ((_ extract 47 40) word))
            (stops ((_ extract 55 48) word)) (stops ((_ extract 63 56) word))))
(check-sat)
(pop)

; request_field_take: the bit of another field leaves that of Connection as it was.
(push)
(declare-const seen (_ BitVec 32))
(declare-const field (_ BitVec 32))
(define-fun connection () (_ BitVec 32) #x00000001)
(define-fun bit ((of (_ BitVec 32))) (_ BitVec 32) (bvand (bvlshr of connection) #x00000001))
(assert (and (bvult field #x00000020) (distinct field connection)))
(assert (distinct (bit (bvor seen (bvshl #x00000001 field))) (bit seen)))
(check-sat)
(pop)
