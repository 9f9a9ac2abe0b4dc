# Puts a text file into the program: godwit_embed(TARGET FILE NAMESPACE NAME) compiles `const std::string_view NAME` into the target,
# anew whenever the file changes. The same file is the script that writes the source.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${IN}" text)
  file(WRITE "${OUT}" "#include <string_view>\nnamespace ${NAMESPACE} {\nextern const std::string_view ${NAME};\nconst std::string_view ${NAME} = R\"embedded(${text})embedded\";\n}\n")
  return()
endif()

function(godwit_embed target file namespace name)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.embedded.cc)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DIN=${file} -DOUT=${out} -DNAMESPACE=${namespace} -DNAME=${name} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${file} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
  target_sources(${target} PRIVATE ${out})
endfunction()
