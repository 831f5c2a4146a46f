# What compiler and linker do against a mistake that is in here all the same: each where they know how to. They hold for
# httpd_core and for what is linked with it; the sanitizers see more, and want to be alone.
if(HTTPD_ASAN OR HTTPD_TSAN)
  return()
endif()
include(CheckCSourceCompiles)
include(CheckLinkerFlag)

# branch: an indirect call lands where one may. Not "return": the coroutines change their stacks without a shadow stack,
# and mustn't say that they do.
foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=branch)
  string(MAKE_C_IDENTIFIER HTTPD_HAS${flag} has)
  check_c_compiler_flag("-Werror ${flag}" ${has})
  if(${has})
    target_compile_options(httpd_core PUBLIC ${flag})
  endif()
endforeach()

# Lengths are checked where the compiler knows an object's: 3 also where it knows it at run time. What doesn't know 3
# warns; nothing is known without optimization.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <string.h>
int main(void) { return 0; }" HTTPD_HAS_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(fortify -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$<IF:$<BOOL:${HTTPD_HAS_FORTIFY_3}>,3,2>)
target_compile_options(httpd_core PUBLIC
                       "$<$<OR:$<CONFIG:Release>,$<CONFIG:RelWithDebInfo>,$<CONFIG:MinSizeRel>>:${fortify}>")

# An address that isn't known beforehand (musl-gcc links no static program so), and tables of functions that are complete
# and read-only before main().
if(NOT HTTPD_STATIC)
  check_linker_flag(C -pie HTTPD_HAS_PIE)
  if(HTTPD_HAS_PIE)
    target_compile_options(httpd_core PUBLIC -fPIE)
    target_link_options(httpd_core INTERFACE -pie)
  endif()
endif()
foreach(flag relro now noexecstack)
  check_linker_flag(C -Wl,-z,${flag} HTTPD_HAS_Z_${flag})
  if(HTTPD_HAS_Z_${flag})
    target_link_options(httpd_core INTERFACE -Wl,-z,${flag})
  endif()
endforeach()
