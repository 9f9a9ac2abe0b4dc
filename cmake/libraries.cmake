# Every outside library, named once. All of them are Debian 12 packages (./dev setup installs them).
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(Protobuf REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(RocksDB REQUIRED)
find_package(ZLIB REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)  # headers alone: Debian's library is built with exceptions
find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)
find_library(CRYPT_LIBRARY crypt REQUIRED)
find_library(UNBOUND_LIBRARY unbound REQUIRED)  # not by pkg-config: its file asks for libevent's, which nothing here needs
find_library(RE2_LIBRARY re2 REQUIRED)  # regular expressions in linear time
find_library(JEMALLOC_LIBRARY jemalloc REQUIRED)
if(GODWIT_TESTS)
  find_package(GTest REQUIRED)
endif()
