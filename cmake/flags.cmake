set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Asio, fmt and the standard headers are read once and not in every file (a third of the build's time).
option(GODWIT_PCH "use a precompiled header" OFF)
if(GODWIT_PCH)
  add_compile_options(-fPIC -Xclang -fno-pch-timestamp)  # one set of flags for libraries and programs; ccache can keep it
else()
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
set(CMAKE_LINK_WHAT_YOU_USE OFF)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Godwit is built with clang-19 or later (GCC 12 destroys temporaries of coroutines twice). "
                      "Run ./dev build, or: apt-get install clang-19 lld-19 and configure with cmake --preset release")
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror -fcolor-diagnostics)
add_compile_options(-fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero)
# ASIO: sources once, in edge/net/asio_impl.cc
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY
                        BOOST_ASIO_DISABLE_BOOST_ALIGN)
add_link_options(-fuse-ld=lld)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-g1 -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS)  # frame pointers: `perf record -g` works where it runs
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

if(GODWIT_SANITIZE)
  add_compile_options(-fsanitize=${GODWIT_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${GODWIT_SANITIZE})
  if(NOT GODWIT_SANITIZE MATCHES "thread")
    add_compile_options(-fno-sanitize-recover=all)
    add_link_options(-fno-sanitize-recover=all)
  endif()
endif()
if(GODWIT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
