# Run by cpack on what it has gathered. Debian wants changelog and manual compressed, and without the time of that;
# and a folder's mode is what it is for everybody, whatever the umask.
file(GLOB plain ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/httpd/changelog
                ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/man/man*/*.[0-9])
foreach(file ${plain})
  execute_process(COMMAND gzip -9n ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
file(GLOB folders ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*)
file(CHMOD_RECURSE ${folders} DIRECTORY_PERMISSIONS
     OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
