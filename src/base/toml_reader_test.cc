#include "base/toml_reader.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

std::string errors_of(std::string_view text, const std::function<void(TomlTable&)>& read) {
  TomlDocument document;
  if (document.load_text(text)) document.read(read);
  std::string all;
  for (const ConfigError& error : document.errors()) all += (all.empty() ? "" : "; ") + error.key + ": " + error.problem;
  return all;
}

TEST(TomlReader, NamedTables_ComeWithTheirNamesAndPaths) {
  std::vector<std::string> seen;
  const auto read = [&](TomlTable& root) {
    root.named_tables("class", [&](const std::string& name, TomlTable& table) {
      std::string action;
      table.text("action", action);
      seen.push_back(name + "=" + action);
    });
  };
  EXPECT_EQ(errors_of("[class.b]\naction = \"x\"\n[class.a]\n", read), "");
  EXPECT_EQ(seen, (std::vector<std::string>{"a=", "b=x"}));
  EXPECT_EQ(errors_of("[class.a]\nactoin = \"x\"", read), "class.a.actoin: there is no such key; did you mean \"action\"?");
  EXPECT_EQ(errors_of("[class]\na = 1", read), "class.a: expected a table, [a], found a number");
  EXPECT_EQ(errors_of("class = 1", read), "class: expected a table, [class], found a number");
}

TEST(TomlReader, Counts_AreAListOfNumbers) {
  std::vector<std::uint64_t> into{7};
  const auto read = [&](TomlTable& root) { root.counts("daily", into, 1, 100); };
  EXPECT_EQ(errors_of("", read), "");
  EXPECT_EQ(into, std::vector<std::uint64_t>{7});
  EXPECT_EQ(errors_of("daily = [1, 50, 100]", read), "");
  EXPECT_EQ(into, (std::vector<std::uint64_t>{1, 50, 100}));
  EXPECT_EQ(errors_of("daily = 5", read), "daily: expected a list of numbers, such as [50, 100], found a number");
  for (const char* bad : {"daily = [0]", "daily = [101]", "daily = [-1]", "daily = [\"5\"]", "daily = [1.5]"})
    EXPECT_EQ(errors_of(bad, read), "daily: each number must be one from 1 to 100") << bad;
}

TEST(TomlReader, TablesInATable_AreNamedInFull) {
  const auto read = [](TomlTable& root) {
    root.table("outbound", [](TomlTable& table) { table.tables("site", [](TomlTable& site) { site.has("match"); }); });
  };
  EXPECT_EQ(errors_of("[[outbound.site]]\n[[outbound.site]]\nx = 1", read), "outbound.site[2].x: there is no such key; known here are: ");
}

TEST(TomlReader, LettersOutOfPlace_AreErrorsLikeOthers) {
  for (const auto text : {"x = 19\xc9\xbe-1", "\xc3\xa9 = 1", "x = \xc3\xa9", "x = [1 \xc3\xa9]", "\xc2\xa0x = 1", "x = 1\xe2\x80\xa8"}) {
    TomlDocument document;
    EXPECT_FALSE(document.load_text(text)) << text;
    ASSERT_EQ(document.errors().size(), 1u);
    EXPECT_TRUE(document.errors()[0].problem.starts_with("this is not TOML"));
  }
}

}  // namespace
}  // namespace godwit
