# Writes OUT, a C file with the files of the status page in it: cmake -DOUT=... -P embed.cmake
set(text "#include \"observe/status_files.h\"\n")
foreach(kind html css js)
  file(READ ${CMAKE_CURRENT_LIST_DIR}/page.${kind} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n    " bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND text "\nconst char status_page_${kind}[] = {\n    ${bytes}\n};\n"
                     "const size_t status_page_${kind}_len = sizeof status_page_${kind};\n")
endforeach()
file(WRITE ${OUT} "${text}")
