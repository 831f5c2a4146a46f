# Run by cpack on what it has gathered: Debian wants changelog and manual compressed, and without the time of that.
file(GLOB plain ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/httpd/changelog
                ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/man/man*/*.[0-9])
foreach(file ${plain})
  execute_process(COMMAND gzip -9n ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
