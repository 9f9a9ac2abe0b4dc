#include "app/toml_reader.h"

#include <fmt/format.h>
#include <stdexcept>
// toml++ 3.3 asserts on some malformed input ("[" and a line end): that is a mistake in a file, not a broken invariant
#define TOML_ASSERT(expression) ((expression) ? static_cast<void>(0) : throw std::logic_error("malformed table or key"))
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace godwit::app {
namespace {

const toml::table& as_table(const void* table) { return *static_cast<const toml::table*>(table); }

std::string_view name_of(toml::node_type type) {
  switch (type) {
    case toml::node_type::string: return "text";
    case toml::node_type::integer: return "a number";
    case toml::node_type::floating_point: return "a decimal number";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::array: return "a list";
    case toml::node_type::table: return "a table";
    default: return "a date or time";
  }
}

// Levenshtein, for "did you mean": keys are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

struct TomlDocument::Impl {
  toml::table root;
};

TomlDocument::TomlDocument() : impl_(std::make_unique<Impl>()) {}
TomlDocument::~TomlDocument() = default;

bool TomlDocument::load_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  if (file && std::filesystem::is_directory(path, ignored)) {  // opens, and reads as if it were empty
    errno = EISDIR;
    file.setstate(std::ios::failbit);
  }
  if (!file) {
    errors_.push_back({0, 0, "", fmt::format("cannot read it: {}", std::generic_category().message(errno))});
    return false;
  }
  std::ostringstream text;
  text << file.rdbuf();
  return load_text(text.str());
}

bool TomlDocument::load_text(std::string_view text) {
  try {
    impl_->root = toml::parse(text);
    return true;
  } catch (const toml::parse_error& error) {
    errors_.push_back(
        {error.source().begin.line, error.source().begin.column, "", fmt::format("this is not TOML: {}", error.description())});
  } catch (const std::logic_error& error) {
    errors_.push_back({0, 0, "", fmt::format("this is not TOML: {}", error.what())});
  }
  return false;
}

void TomlDocument::read(const std::function<void(TomlTable&)>& root) {
  TomlTable table(*this, &impl_->root, "");
  root(table);
  table.finish();
  std::ranges::sort(errors_, {}, [](const ConfigError& error) { return std::pair(error.line, error.column); });
}

bool TomlTable::has(std::string_view key) const { return as_table(table_).contains(key); }
void TomlTable::asked(std::string_view key) { asked_.emplace(key); }

void TomlTable::error(std::string_view key, std::string problem) {
  const toml::node* node = as_table(table_).get(key);
  const auto begin = node ? node->source().begin : as_table(table_).source().begin;
  document_.errors_.push_back(
      {begin.line, begin.column, path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key), std::move(problem)});
}

void TomlTable::text(std::string_view key, std::string& into) {
  asked_.emplace(key);
  const toml::node* node = as_table(table_).get(key);
  if (!node) return;
  if (const auto value = node->value_exact<std::string>())
    into = *value;
  else
    error(key, fmt::format("expected text in quotes, found {}", name_of(node->type())));
}

void TomlTable::flag(std::string_view key, bool& into) {
  asked_.emplace(key);
  const toml::node* node = as_table(table_).get(key);
  if (!node) return;
  if (const auto value = node->value_exact<bool>())
    into = *value;
  else
    error(key, fmt::format("expected true or false, found {}", name_of(node->type())));
}

void TomlTable::count(std::string_view key, std::uint64_t& into, std::uint64_t least, std::uint64_t most) {
  asked_.emplace(key);
  const toml::node* node = as_table(table_).get(key);
  if (!node) return;
  const auto value = node->value_exact<std::int64_t>();
  if (value && *value >= 0 && static_cast<std::uint64_t>(*value) >= least && static_cast<std::uint64_t>(*value) <= most)
    into = static_cast<std::uint64_t>(*value);
  else
    error(key, fmt::format("expected a whole number from {} to {}", least, most));
}

void TomlTable::size(std::string_view key, std::uint64_t& bytes, std::uint64_t least) {
  if (!has(key)) return asked(key);
  std::string written;
  text(key, written);
  const auto value = parse_byte_count(written);
  if (!value)
    error(key, value.error().text);
  else if (value->bytes < least)
    error(key, fmt::format("\"{}\" is too little; {} is the least", written, to_string(ByteCount{least})));
  else
    bytes = value->bytes;
}

void TomlTable::duration(std::string_view key, std::chrono::milliseconds& into, std::chrono::milliseconds least) {
  if (!has(key)) return asked(key);
  std::string written;
  text(key, written);
  const auto value = parse_duration(written);
  if (!value)
    error(key, value.error().text);
  else if (*value < least)
    error(key, fmt::format("\"{}\" is too short; {} s is the least", written, least.count() / 1000));
  else
    into = *value;
}

// One text or a list of texts; `each` returns Result<void>.
template <class Each>
void TomlTable::list(std::string_view key, std::string_view what, const Each& each) {
  asked_.emplace(key);
  const toml::node* node = as_table(table_).get(key);
  if (!node) return;
  auto one = [&](const toml::node& item) {
    const auto written = item.value_exact<std::string>();
    const Result<void> done =
        written ? each(*written) : fail(Error::syntax(fmt::format("expected {} in quotes, found {}", what, name_of(item.type())), 0));
    if (!done) error(key, done.error().text);
  };
  if (const toml::array* items = node->as_array())
    for (const toml::node& item : *items) one(item);
  else
    one(*node);
}

void TomlTable::durations(std::string_view key, std::vector<std::chrono::milliseconds>& into) {
  if (has(key)) into.clear();
  list(key, "times", [&](const std::string& written) -> Result<void> {
    GODWIT_ASSIGN(const auto value, parse_duration(written));
    into.push_back(value);
    return {};
  });
}

void TomlTable::networks(std::string_view key, std::vector<Network>& into) {
  if (has(key)) into.clear();
  list(key, "networks", [&](const std::string& written) -> Result<void> {
    GODWIT_ASSIGN(const auto value, parse_network(written));
    into.push_back(value);
    return {};
  });
}

void TomlTable::endpoints(std::string_view key, std::vector<Endpoint>& into) {
  if (has(key)) into.clear();
  list(key, "addresses", [&](const std::string& written) -> Result<void> {
    GODWIT_ASSIGN(const auto value, parse_endpoint(written));
    into.push_back(value);
    return {};
  });
  const toml::node* node = as_table(table_).get(key);
  if (node && node->is_array() && node->as_array()->empty()) error(key, "is empty; write an address and a port, such as \"0.0.0.0:25\"");
}

void TomlTable::texts(std::string_view key, std::vector<std::string>& into) {
  if (has(key)) into.clear();
  list(key, "text", [&](const std::string& written) -> Result<void> {
    into.push_back(written);
    return {};
  });
}

void TomlTable::choice(std::string_view key, std::string& into, const std::vector<std::string_view>& known) {
  std::string written = into;
  text(key, written);
  if (std::ranges::find(known, written) != known.end())
    into = written;
  else
    error(key, fmt::format("\"{}\" is not known here; write one of: {}", written, fmt::join(known, ", ")));
}

void TomlTable::table(std::string_view key, const std::function<void(TomlTable&)>& read) {
  asked_.emplace(key);
  const toml::node* node = as_table(table_).get(key);
  if (!node) return;
  if (!node->is_table()) return error(key, fmt::format("expected a table, [{}], found {}", key, name_of(node->type())));
  TomlTable child(document_, node->as_table(), path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key));
  read(child);
  child.finish();
}

void TomlTable::tables(std::string_view key, const std::function<void(TomlTable&)>& read) {
  asked_.emplace(key);
  const toml::node* node = as_table(table_).get(key);
  if (!node) return;
  if (!node->is_array_of_tables())
    return error(key, fmt::format("expected tables, each beginning with [[{}]], found {}", key, name_of(node->type())));
  std::size_t number = 0;
  for (const toml::node& item : *node->as_array()) {
    TomlTable child(document_, item.as_table(), fmt::format("{}[{}]", key, ++number));
    read(child);
    child.finish();
  }
}

void TomlTable::finish() {
  for (const auto& [key, node] : as_table(table_)) {
    if (asked_.contains(key.str())) continue;
    const auto nearest = std::ranges::min_element(asked_, {}, [&](const std::string& known) { return distance(known, key.str()); });
    const bool close = nearest != asked_.end() && distance(*nearest, key.str()) <= 2;
    error(key.str(), close ? fmt::format("there is no such key; did you mean \"{}\"?", *nearest)
                           : fmt::format("there is no such key; known here are: {}", fmt::join(asked_, ", ")));
  }
}

}  // namespace godwit::app
