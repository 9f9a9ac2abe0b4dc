# What is installed, and the Debian package (./dev package). Only release builds; without python3 and gzip there are no man
# pages, and so no package.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  return()
endif()
find_program(PYTHON3 python3)
find_program(GZIP gzip)
if(NOT PYTHON3 OR NOT GZIP)
  message(STATUS "python3 or gzip is missing: no rules for installing")
  return()
endif()

set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(pages ${PROJECT_BINARY_DIR}/packaging)
file(MAKE_DIRECTORY ${pages})
set(compressed)

# The page of the configuration is made from the operator's page, so that they cannot differ.
add_custom_command(
  OUTPUT ${pages}/godwit.toml.5
  COMMAND ${PYTHON3} ${packaging}/man/make_config_page.py ${PROJECT_SOURCE_DIR}/docs/operator/configuration.md ${pages}/godwit.toml.5
  DEPENDS ${packaging}/man/make_config_page.py ${PROJECT_SOURCE_DIR}/docs/operator/configuration.md)

function(godwit_compressed file)
  cmake_path(GET file FILENAME name)
  add_custom_command(
    OUTPUT ${pages}/${name}.gz
    COMMAND ${GZIP} -9nc ${file} > ${pages}/${name}.gz
    DEPENDS ${file})
  set(compressed ${compressed} ${pages}/${name}.gz PARENT_SCOPE)
endfunction()

godwit_compressed(${pages}/godwit.toml.5)
install(FILES ${pages}/godwit.toml.5.gz DESTINATION share/man/man5)
foreach(section 1 5 8)
  file(GLOB written CONFIGURE_DEPENDS ${packaging}/man/*.${section})
  foreach(page ${written})
    godwit_compressed(${page})
    cmake_path(GET page FILENAME name)
    install(FILES ${pages}/${name}.gz DESTINATION share/man/man${section})
  endforeach()
endforeach()
godwit_compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md)
install(FILES ${pages}/CHANGELOG.md.gz DESTINATION share/doc/godwit RENAME changelog.gz)
add_custom_target(package_files ALL DEPENDS ${compressed})

install(TARGETS godwit RUNTIME DESTINATION bin)
if(TARGET sendmail)
  install(TARGETS sendmail RUNTIME DESTINATION sbin)  # setgid by postinst: the group is the machine's
endif()
install(FILES ${packaging}/godwit.service DESTINATION lib/systemd/system)
install(FILES ${packaging}/debian/copyright DESTINATION share/doc/godwit)
install(FILES ${PROJECT_SOURCE_DIR}/NOTICE DESTINATION share/doc/godwit)
install(FILES ${PROJECT_SOURCE_DIR}/share/reply-classes.toml ${PROJECT_SOURCE_DIR}/share/providers.toml ${PROJECT_SOURCE_DIR}/share/warmup.toml DESTINATION share/doc/godwit)  # to read: the program has them
install(DIRECTORY ${PROJECT_SOURCE_DIR}/share/dsn DESTINATION share/doc/godwit FILES_MATCHING PATTERN "*.txt")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/operator DESTINATION share/doc/godwit FILES_MATCHING PATTERN "*.md")
install(DIRECTORY DESTINATION /etc/godwit)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME godwit)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "complete mail server: SMTP, submission, queue, mailboxes, POP3")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Godwit takes mail from people, applications and servers, keeps it durably,
brings it to local mailboxes or onwards, and lets people read it. One program,
one configuration file; what was accepted survives a power cut.

Set up with: godwit quickstart DOMAIN")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The Godwit developers <postmaster@localhost>")
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_RELEASE "")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates, dns-root-data")
if(TARGET sendmail)  # it owns /usr/sbin/sendmail, as every transport agent of Debian does
  set(CPACK_DEBIAN_PACKAGE_PROVIDES mail-transport-agent)
  set(CPACK_DEBIAN_PACKAGE_CONFLICTS mail-transport-agent)
  set(CPACK_DEBIAN_PACKAGE_REPLACES mail-transport-agent)
endif()
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/debian/postinst ${packaging}/debian/prerm ${packaging}/debian/postrm)
include(CPack)
