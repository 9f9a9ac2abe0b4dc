#include "check/spf/macro.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "check/spf/sender.h"

namespace godwit::spf {
namespace {

using std::string_literals::operator""s;

MacroValues example() {
  MacroValues values;
  values.local = "strong-bad";
  values.sender_domain = "email.example.com";
  values.domain = "email.example.com";
  values.client = *parse_ip("192.0.2.3");
  values.client_name = "mx.example.org";
  values.helo = "helo.example.org";
  values.receiver = "mx.example.net";
  values.now = WallTime(std::chrono::seconds(1'700'000'000));
  return values;
}

std::string expanded(const std::string& text, const MacroValues& values = example()) {
  const auto parsed = parse_macro_string(text);
  return parsed ? expand_text(*parsed, values, 10'000) : "error: " + parsed.error().text;
}

TEST(Macro, Expansion_Rfc7208Section74) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(expanded(text), expected) << text;
  MacroValues v6 = example();
  v6.client = *parse_ip("2001:db8::cb01");
  EXPECT_EQ(expanded("%{ir}.%{v}._spf.%{d2}", v6), "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
  EXPECT_EQ(expanded("%{c}", v6), "2001:db8::cb01");
}

TEST(Macro, Letters_AllOfThem) {
  EXPECT_EQ(expanded("%{p} %{h}"s.replace(4, 1, "%_")), "mx.example.org helo.example.org");
  EXPECT_EQ(expanded("%{c}%{r}%{t}"), "192.0.2.3mx.example.net1700000000");
  EXPECT_EQ(expanded("%%%_%-"), "% %20");
  EXPECT_EQ(expanded("%{D2R.}"), "example.email");
}

TEST(Macro, Transformers_SplitAtEveryDelimiter_AndKeepEmptyParts) {
  MacroValues values = example();
  values.local = "foo-bar+zip+quux";
  EXPECT_EQ(expanded("%{l2r+-}", values), "bar.foo");
  EXPECT_EQ(expanded("%{l+}", values), "foo-bar.zip.quux");
  values.local = "-a--b-";
  EXPECT_EQ(expanded("%{l-}", values), ".a..b.");
  EXPECT_EQ(expanded("%{l2-}", values), "b.");
  values.local = "a,b/c_d=e.f";
  EXPECT_EQ(expanded("%{l,/_=}", values), "a.b.c.d.e.f");
  EXPECT_EQ(expanded("%{l127}", values), "a,b/c_d=e.f");
  EXPECT_EQ(expanded("%{l99999999999999999999}", values), "a,b/c_d=e.f");
  values.local = std::string(300, '.');
  EXPECT_EQ(expanded("%{l127}", values).size(), 126u);
  EXPECT_EQ(expanded("%{l400}", values).size(), 300u);
  values.local.clear();
  EXPECT_EQ(expanded("%{l1r-}", values), "");
}

TEST(Macro, UpperCase_IsUrlEscaped) {
  MacroValues values = example();
  values.local = "~jack&jill=up-a_b3.c";
  EXPECT_EQ(expanded("%{L}", values), "~jack%26jill%3Dup-a_b3.c");
  values.local = "\xc3\xa9 \"@%";
  EXPECT_EQ(expanded("%{L}", values), "%C3%A9%20%22%40%25");
  EXPECT_EQ(expanded("%{S}"), "strong-bad%40email.example.com");
}

TEST(Macro, Syntax_Table) {
  for (const std::string text : {"", "a", "!~", "%{d}", "%{D}", "%{d9r}", "%{d9R-=}", "%%", "%_", "%-", "a%{i}b", "%{l.-+,/_=.-+}"})
    EXPECT_TRUE(parse_macro_string(text)) << text;
  for (const std::string& text : {"%"s,      "a%"s,    "%a"s,     "%(d)"s,   "%{"s,       "%{d"s,    "%{}"s,   "%{a}"s,   "%{d0}"s,
                                  "%{d00}"s, "%{dx}"s, "%{dr2}"s, "%{d-r}"s, "%{d:}"s,    "%{ d}"s,  "%{d }"s, "%{{d}}"s, "%{d2.}."s + "%",
                                  "a b"s,    "\t"s,    "\0"s,     "\x7f"s,   "\xc3\xa9"s, "%{d\0}"s, "%{\0}"s, "%\0"s})
    EXPECT_FALSE(parse_macro_string(text)) << text;
  EXPECT_TRUE(parse_explanation("a b  %{t}"));
  EXPECT_FALSE(parse_explanation("a\tb"));
  EXPECT_FALSE(parse_explanation("a\r\nb"));
  EXPECT_EQ(parse_macro_string("abc%{x}").error().position, 5u);
}

TEST(Macro, Name_OfMoreThan253Bytes_LosesLabelsFromTheLeft) {
  MacroValues values = example();
  values.sender_domain = "somewhat.long.exp.example.com";
  const auto name = [&](const std::string& text) {
    const auto parsed = parse_domain_spec(text);
    return parsed ? expand_name(*parsed, values) : "error";
  };
  std::string eight = "%{o}";
  std::string expected = values.sender_domain;
  for (int i = 0; i < 7; ++i) {
    eight += ".%{o}";
    expected += "." + values.sender_domain;
  }
  EXPECT_EQ(name("foobar." + eight + ".example.com"), expected + ".example.com");
  EXPECT_EQ(name("foobar." + eight + ".example.com."), expected + ".example.com");
  std::string many;
  for (int i = 0; i < 3'000; ++i) many += "%{o}.";
  EXPECT_LE(name(many + "example.com").size(), 253u);
  EXPECT_TRUE(name(many + "example.com").ends_with(".exp.example.com.example.com"));
  // exactly 253 stays, a single label of more goes altogether
  const std::string exact =
      std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + "." + std::string(60, 'd') + ".e234567.c";
  ASSERT_EQ(exact.size(), 253u);
  EXPECT_EQ(name(exact), exact);
  EXPECT_EQ(name("x." + exact), exact);
  EXPECT_EQ(name("x" + exact), exact.substr(61));
  EXPECT_EQ(name(std::string(300, 'a') + ".com"), "com");
  values.local = std::string(300, 'x');
  EXPECT_EQ(name("%{l}"), "");
}

TEST(Macro, Text_IsCutAtItsLimit) {
  const auto parsed = parse_explanation("%{d} and %{d}");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(expand_text(*parsed, example(), 100), "email.example.com and email.example.com");
  EXPECT_EQ(expand_text(*parsed, example(), 20), "email.example.com...");
  EXPECT_EQ(expand_text(*parsed, example(), 2), "..");
}

TEST(Sender, OfQuestion_Table) {
  struct Case {
    std::string helo;
    std::string mail_from;
    Identity identity;
    std::string local;
    std::string domain;
  };
  const auto mail = Identity::mail_from;
  const std::vector<Case> cases = {
      {"mx.example.org", "joe@Example.ORG.", mail, "joe", "example.org"},
      {"MX.example.org.", "joe@example.org", Identity::helo, "postmaster", "mx.example.org"},
      {"mx.example.org", "", mail, "postmaster", "mx.example.org"},
      {"mx.example.org", "@example.org", mail, "postmaster", "example.org"},
      {"mx.example.org", "example.org", mail, "postmaster", "example.org"},
      {"mx.example.org", "\"a@b\"@example.org", mail, "\"a@b\"", "example.org"},
      {"mx.example.org",
       "j\xc3\xb6@b\xc3\xbc"
       "cher.example",
       mail, "j\xc3\xb6", "xn--bcher-kva.example"},
      {"", "", mail, "postmaster", ""},
      {"", "joe@", mail, "joe", ""},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.helo + " " + test.mail_from);
    Question question;
    question.helo = test.helo;
    question.mail_from = test.mail_from;
    question.identity = test.identity;
    EXPECT_EQ(sender_of(question).local, test.local);
    EXPECT_EQ(sender_of(question).domain, test.domain);
  }
}

TEST(Sender, Checkable_Rfc7208Section43) {
  const std::string label63(63, 'a');
  const std::string longest = fmt::format("{0}.{0}.{0}.{0}", label63);
  for (const std::string& name : {"a.b"s, "_spf.example.org"s, label63 + ".b"s, "1.2"s, "xn--bcher-kva.example"s})
    EXPECT_TRUE(is_checkable(name)) << name;
  for (const std::string& name : {""s, "."s, "a"s, "localhost"s, "a..b"s, ".a.b"s, "a.b."s, label63 + "a.b", "[192.0.2.1]"s, "[IPv6:::1]"s,
                                  "a b.c"s, "a\0.b"s, "b\xc3\xbc.c"s, "a\\.b.c"s, "a/b.c"s, "a.b\r\n"s, longest})
    EXPECT_FALSE(is_checkable(name)) << name;
  EXPECT_TRUE(is_name("foo:bar/baz.example.com"));
  EXPECT_TRUE(is_name("com"));
  EXPECT_EQ(to_presentation("a\\b.c"), "a\\\\b.c");
}

}  // namespace
}  // namespace godwit::spf
