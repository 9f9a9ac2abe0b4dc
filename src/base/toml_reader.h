#pragma once
// Reads one TOML file into typed values and collects every error with its line and its mend.
// Hides toml++ (header-only and heavy): included by toml_reader.cc alone. One thread.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/units.h"

namespace godwit {

struct ConfigError {
  unsigned line = 0;  // 0: of the file as a whole
  unsigned column = 0;
  std::string key;      // "listener[2].address"
  std::string problem;  // what is wrong, and the mend
};

class TomlDocument;

// One table of the file. Each getter leaves `into` as it is when the key is absent, and notes an error when its value is wrong.
// finish() reports the keys that nobody asked for, with the nearest known one.
class TomlTable {
 public:
  void text(std::string_view key, std::string& into);
  void flag(std::string_view key, bool& into);
  void count(std::string_view key, std::uint64_t& into, std::uint64_t least, std::uint64_t most);
  void size(std::string_view key, std::uint64_t& bytes, std::uint64_t least = 0);
  void duration(std::string_view key, std::chrono::milliseconds& into, std::chrono::milliseconds least = {});
  void durations(std::string_view key, std::vector<std::chrono::milliseconds>& into);
  void networks(std::string_view key, std::vector<Network>& into);
  void endpoints(std::string_view key, std::vector<Endpoint>& into);                                             // one text or a list
  void texts(std::string_view key, std::vector<std::string>& into);                                              // one text or a list
  void counts(std::string_view key, std::vector<std::uint64_t>& into, std::uint64_t least, std::uint64_t most);  // a list
  void choice(std::string_view key, std::string& into, const std::vector<std::string_view>& known);
  bool has(std::string_view key) const;

  void table(std::string_view key, const std::function<void(TomlTable&)>& read);
  void tables(std::string_view key, const std::function<void(TomlTable&)>& read);  // [[key]]
  // [key.NAME], whatever the names; they come in the order of the alphabet.
  void named_tables(std::string_view key, const std::function<void(const std::string& name, TomlTable&)>& read);

  // Notes an error at the key (or at the table when it is absent).
  void error(std::string_view key, std::string problem);

 private:
  friend class TomlDocument;
  struct Node;
  TomlTable(TomlDocument& document, const void* table, std::string path) : document_(document), table_(table), path_(std::move(path)) {}
  void finish();
  void asked(std::string_view key);
  template <class Each>
  void list(std::string_view key, std::string_view what, const Each& each);

  TomlDocument& document_;
  const void* table_;  // toml::table
  std::string path_;
  std::set<std::string, std::less<>> asked_;
};

class TomlDocument {
 public:
  TomlDocument();
  ~TomlDocument();
  // false: not TOML (the error says where) or unreadable.
  bool load_file(const std::string& path);
  bool load_text(std::string_view text);
  void read(const std::function<void(TomlTable&)>& root);
  const std::vector<ConfigError>& errors() const { return errors_; }

 private:
  friend class TomlTable;
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::vector<ConfigError> errors_;
};

}  // namespace godwit
