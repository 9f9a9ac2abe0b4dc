#include "edge/dns/name.h"

#include <gtest/gtest.h>

namespace godwit::dns {
namespace {

using std::string_literals::operator""s;

TEST(Name, NormalName_Table) {
  struct Case {
    const char* name;
    std::string input;
    std::optional<std::string> expected;
  };
  const std::string label63(63, 'a');
  const std::string longest = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'a');  // 255 in wire form
  const std::vector<Case> cases = {
      {"lower case", "Example.ORG", "example.org"},
      {"final dot", "example.org.", "example.org"},
      {"root", ".", ""},
      {"empty", "", ""},
      {"one label", "localhost", "localhost"},
      {"underscores", "_25._tcp.MX.example", "_25._tcp.mx.example"},
      {"label of 63", label63, label63},
      {"label of 64", label63 + "a", std::nullopt},
      {"label of 255", std::string(255, 'a'), std::nullopt},
      {"longest name", longest, longest},
      {"longest name with its dot", longest + ".", longest},
      {"longer name", longest + "a", std::nullopt},
      {"two dots", "a..b", std::nullopt},
      {"leading dot", ".a", std::nullopt},
      {"two final dots", "a..", std::nullopt},
      {"dots alone", "..", std::nullopt},
      {"escaped dot", "a\\.b.c", "a\\.b.c"},
      {"escaped letter", "\\A.c", "a.c"},
      {"escaped backslash", "\\\\.c", "\\\\.c"},
      {"decimal", "\\065.c", "a.c"},
      {"decimal of a dot", "a\\046b.c", "a\\.b.c"},
      {"decimal of NUL", "\\000.c", "\\000.c"},
      {"space", "a b.c", "a\\032b.c"},
      {"NUL", "a\0b"s, "a\\000b"},
      {"eight bits", "\xc3\xa4.example", "\\195\\164.example"},
      {"decimal too large", "\\256.c", std::nullopt},
      {"decimal too short", "\\12", std::nullopt},
      {"decimal broken", "\\1a2.c", std::nullopt},
      {"backslash at the end", "a\\", std::nullopt},
  };
  for (const auto& [name, input, expected] : cases) {
    SCOPED_TRACE(name);
    const auto normal = normal_name(input);
    ASSERT_EQ(normal.has_value(), expected.has_value());
    if (!expected) continue;
    EXPECT_EQ(*normal, *expected);
    EXPECT_EQ(normal_name(*normal).value(), *normal);
  }
}

TEST(Name, FromWire_UglyBytes_AreRefused) {
  struct Case {
    const char* name;
    std::string wire;
  };
  std::string too_long;
  for (int i = 0; i < 4; ++i) too_long += "\x3f" + std::string(63, 'a');
  const std::vector<Case> cases = {
      {"nothing", ""},
      {"no end", "\3abc"s},
      {"label cut", "\5abc"s},
      {"label cut at its length", "\5"s},
      {"pointer", "\xc0\x00"s},
      {"pointer behind a label", "\1a\xc0\x0c"s},
      {"pointer out of range", "\xff\xff"s},
      {"extended label", "\x41" + std::string(65, 'a') + "\0"s},
      {"reserved label", "\x80" + std::string(128, 'a') + "\0"s},
      {"label of 255", "\xff" + std::string(255, 'a') + "\0"s},
      {"256 bytes", too_long + "\0"s},
  };
  for (const auto& [name, wire] : cases) {
    SCOPED_TRACE(name);
    std::size_t position = 0;
    EXPECT_FALSE(name_from_wire(wire, position));
  }
}

TEST(Name, FromWire_InTheMiddle_MovesBehindIt) {
  const std::string wire = "xx\3FOO\2ba\0yy"s;
  std::size_t position = 2;
  EXPECT_EQ(name_from_wire(wire, position).value(), "foo.ba");
  EXPECT_EQ(wire.substr(position), "yy");
}

TEST(Name, ToWire_KeepsCase) { EXPECT_EQ(name_to_wire("Foo.ba").value(), "\3Foo\2ba\0"s); }

TEST(Name, ReverseName_Examples) {
  EXPECT_EQ(reverse_name(*parse_ip("192.0.2.1")), "1.2.0.192.in-addr.arpa");
  // RFC 3596 2.5
  EXPECT_EQ(reverse_name(*parse_ip("4321:0:1:2:3:4:567:89ab")), "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa");
}

}  // namespace
}  // namespace godwit::dns
