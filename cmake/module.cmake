set(godwit_precompiled_headers <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <deque> <expected> <functional> <list> <map> <memory>
    <mutex> <optional> <ranges> <set> <span> <stop_token> <string> <string_view> <thread> <unordered_map> <unordered_set> <utility> <variant> <vector>
    <fmt/format.h> "${PROJECT_SOURCE_DIR}/src/base/result.h" "${PROJECT_SOURCE_DIR}/src/base/task.h")

# The precompiled header belongs to base, which every target links.
function(godwit_precompiled target)
  if(NOT GODWIT_PCH)
    return()
  endif()
  if(target STREQUAL godwit_base)
    target_precompile_headers(godwit_base PRIVATE ${godwit_precompiled_headers})
  else()
    target_precompile_headers(${target} REUSE_FROM godwit_base)
  endif()
endfunction()

# What only tests: not optimised and without a fuzzer's counters, which compiles in a third of the time (ASan and UBSan at -O1
# cost more in the compiler than all the headers).
if(GODWIT_TESTS)
  set(godwit_test_options $<$<CONFIG:Debug>:-O0> $<$<BOOL:${GODWIT_FUZZ}>:-fno-sanitize=fuzzer-no-link>)
  file(WRITE ${PROJECT_BINARY_DIR}/test_precompiled.cc "")
  add_library(godwit_test_precompiled OBJECT ${PROJECT_BINARY_DIR}/test_precompiled.cc)
  target_link_libraries(godwit_test_precompiled PRIVATE godwit_base GTest::gmock)
  target_compile_options(godwit_test_precompiled PRIVATE ${godwit_test_options})
  if(GODWIT_PCH)
    target_precompile_headers(godwit_test_precompiled PRIVATE ${godwit_precompiled_headers} <gmock/gmock.h> <gtest/gtest.h>)
  endif()

  # A module under test, not optimised either but with the counters that fuzzing steers by.
  set(godwit_plain_options $<$<CONFIG:Debug>:-O0>)
  file(WRITE ${PROJECT_BINARY_DIR}/plain_precompiled.cc "")
  add_library(godwit_plain_precompiled OBJECT ${PROJECT_BINARY_DIR}/plain_precompiled.cc)
  target_link_libraries(godwit_plain_precompiled PRIVATE godwit_base)
  target_compile_options(godwit_plain_precompiled PRIVATE ${godwit_plain_options})
  if(GODWIT_PCH)
    target_precompile_headers(godwit_plain_precompiled PRIVATE ${godwit_precompiled_headers})
  endif()
endif()

# For each program that tests, and each module that is QUICK.
function(godwit_test_flags target)
  target_compile_options(${target} PRIVATE ${godwit_test_options})
  if(GODWIT_PCH)
    target_include_directories(${target} SYSTEM PRIVATE $<TARGET_PROPERTY:GTest::gmock,INTERFACE_INCLUDE_DIRECTORIES>)
    target_precompile_headers(${target} REUSE_FROM godwit_test_precompiled)
  endif()
endfunction()

function(godwit_plain_flags target)
  target_compile_options(${target} PRIVATE ${godwit_plain_options})
  if(GODWIT_PCH)
    target_precompile_headers(${target} REUSE_FROM godwit_plain_precompiled)
  endif()
endfunction()

# godwit_module(NAME [DEPS module...] [LIBS library...] [TEST_DEPS library...] [TEST_SHARDS n] [TEST_COST n] [QUICK | HOT])
#
# One static library a folder: every *.cc of the folder, *.proto compiled to protobuf lite.
# *_test.cc become one test binary NAME_test, every x_fuzz.cc a fuzz target of its own
# (seeds: testdata/fuzz/x/, dictionary: testdata/fuzz/x.dict). TEST_SHARDS n: the tests run as NAME.1 ... NAME.n side by side.
# TEST_COST: seconds that they take; what takes long begins first.
# QUICK: where tests are built it is compiled as they are; for what only they link, and for what runs once.
# HOT: its tests run for so long that it is optimised where tests are built too. The others are not: they compile in half the time.
function(godwit_module name)
  cmake_parse_arguments(ARG "QUICK;HOT" "TEST_SHARDS;TEST_COST" "DEPS;LIBS;TEST_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cc)
  file(GLOB fuzzers CONFIGURE_DEPENDS *_fuzz.cc)
  file(GLOB protos CONFIGURE_DEPENDS *.proto)
  if(tests)
    list(REMOVE_ITEM sources ${tests})
  endif()
  if(fuzzers)
    list(REMOVE_ITEM sources ${fuzzers})
  endif()
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")

  list(TRANSFORM ARG_DEPS PREPEND godwit_)
  if(NOT sources AND NOT protos)
    add_library(godwit_${name} INTERFACE)
    target_link_libraries(godwit_${name} INTERFACE ${ARG_DEPS} ${ARG_LIBS})
  else()
    add_library(godwit_${name} STATIC ${sources})
    target_link_libraries(godwit_${name} PUBLIC ${ARG_DEPS} ${ARG_LIBS})
    target_include_directories(godwit_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    if(ARG_QUICK AND GODWIT_TESTS)
      godwit_test_flags(godwit_${name})
    elseif(GODWIT_TESTS AND NOT ARG_HOT)
      godwit_plain_flags(godwit_${name})
    else()
      godwit_precompiled(godwit_${name})
    endif()
  endif()

  foreach(proto ${protos})
    get_filename_component(stem ${proto} NAME_WE)
    file(RELATIVE_PATH dir ${PROJECT_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR})
    set(out ${PROJECT_BINARY_DIR}/proto/${dir})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb.cc ${out}/${stem}.pb.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND protobuf::protoc --cpp_out=lite:${PROJECT_BINARY_DIR}/proto -I ${PROJECT_SOURCE_DIR}/src ${proto}
      DEPENDS ${proto})
    target_sources(godwit_${name} PRIVATE ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
    set_source_files_properties(${out}/${stem}.pb.cc PROPERTIES COMPILE_OPTIONS "-w")
    target_include_directories(godwit_${name} SYSTEM PUBLIC ${PROJECT_BINARY_DIR}/proto)
    target_link_libraries(godwit_${name} PUBLIC protobuf::libprotobuf-lite)
  endforeach()

  if(NOT ARG_TEST_COST)
    set(ARG_TEST_COST 1)
  endif()
  if(GODWIT_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE godwit_${name} godwit_testing ${ARG_TEST_DEPS} GTest::gmock GTest::gtest_main)
    godwit_test_flags(${name}_test)
    target_compile_definitions(${name}_test PRIVATE GODWIT_TESTDATA="${CMAKE_CURRENT_SOURCE_DIR}/testdata")
    if(ARG_TEST_SHARDS)
      foreach(shard RANGE 1 ${ARG_TEST_SHARDS})
        math(EXPR index "${shard} - 1")
        add_test(NAME ${name}.${shard} COMMAND ${name}_test --gtest_brief=1)
        set_tests_properties(${name}.${shard} PROPERTIES TIMEOUT 600 COST ${ARG_TEST_COST} LABELS unit
                             ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_TEST_SHARDS};GTEST_SHARD_INDEX=${index}")
      endforeach()
    else()
      add_test(NAME ${name} COMMAND ${name}_test --gtest_brief=1)
      set_tests_properties(${name} PROPERTIES TIMEOUT 600 COST ${ARG_TEST_COST} LABELS unit)
    endif()
  endif()
  if(GODWIT_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(stem ${fuzzer} NAME_WE)
      add_executable(${stem} ${fuzzer})
      target_link_libraries(${stem} PRIVATE godwit_${name} godwit_testing ${ARG_TEST_DEPS})
      target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
      add_test(NAME ${stem} COMMAND ${PROJECT_SOURCE_DIR}/tools/run_fuzzer.sh $<TARGET_FILE:${stem}> ${CMAKE_CURRENT_SOURCE_DIR}/testdata/fuzz)
      set_tests_properties(${stem} PROPERTIES TIMEOUT 300 LABELS fuzz)
    endforeach()
  endif()
endfunction()
