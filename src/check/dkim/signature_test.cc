#include "check/dkim/signature.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace godwit::dkim {
namespace {

const std::string kHash = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";

// A good signature with these tags added or changed: "x=5" sets, "x" takes away.
std::string with(std::initializer_list<std::string> changes) {
  std::vector<std::pair<std::string, std::string>> tags = {{"v", "1"},       {"a", "rsa-sha256"}, {"d", "example.net"}, {"s", "brisbane"},
                                                           {"h", "from:to"}, {"bh", kHash},       {"b", "dzdVyOfAKCdL"}};
  for (const std::string& change : changes) {
    const auto equals = change.find('=');
    const std::string name = change.substr(0, equals);
    std::erase_if(tags, [&](const auto& tag) { return tag.first == name; });
    if (equals != std::string::npos) tags.emplace_back(name, change.substr(equals + 1));
  }
  std::string out;
  for (const auto& [name, value] : tags) out += " " + name + "=" + value + ";";
  return out;
}

Signature good(const std::string& text) {
  const auto parsed = parse_signature(text);
  EXPECT_FALSE(parsed.fault.has_value()) << text << ": " << (parsed.fault ? parsed.fault->text : "");
  return parsed.signature;
}

TEST(Signature, Rfc6376Section35Example) {
  const auto signature = good(
      " v=1; a=rsa-sha256; d=example.net; s=brisbane;\r\n"
      "   c=simple; q=dns/txt; i=@eng.example.net;\r\n"
      "   t=1117574938; x=1118006938;\r\n"
      "   h=from:to:subject:date;\r\n"
      "   z=From:foo@eng.example.net|To:joe@example.com|\r\n"
      "    Subject:demo=20run|Date:July=205,=202005=203:44:08=20PM=20-0700;\r\n"
      "   bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=;\r\n"
      "   b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR");
  EXPECT_EQ(signature.algorithm, Algorithm::rsa_sha256);
  EXPECT_EQ(signature.domain, "example.net");
  EXPECT_EQ(signature.selector, "brisbane");
  EXPECT_EQ(signature.header_canonicalization, Canonicalization::simple);
  EXPECT_EQ(signature.body_canonicalization, Canonicalization::simple);
  EXPECT_EQ(signature.identity, "@eng.example.net");
  EXPECT_EQ(signature.identity_domain, "eng.example.net");
  EXPECT_EQ(signature.time, 1117574938u);
  EXPECT_EQ(signature.expiry, 1118006938u);
  EXPECT_EQ(signature.fields, (std::vector<std::string>{"from", "to", "subject", "date"}));
  EXPECT_EQ(signature.body_hash, "12345678901234567890123456789012");
  EXPECT_EQ(signature.data_text, "dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR");
  EXPECT_EQ(signature.data.size(), 48u);
}

TEST(Signature, Defaults) {
  const auto signature = good(with({}));
  EXPECT_EQ(signature.header_canonicalization, Canonicalization::simple);
  EXPECT_EQ(signature.body_canonicalization, Canonicalization::simple);
  EXPECT_EQ(signature.identity, "@example.net");
  EXPECT_EQ(signature.identity_domain, "example.net");
  EXPECT_EQ(signature.body_length, std::nullopt);
}

TEST(Signature, GoodValues) {
  EXPECT_EQ(good(with({"c=relaxed"})).header_canonicalization, Canonicalization::relaxed);
  EXPECT_EQ(good(with({"c=relaxed"})).body_canonicalization, Canonicalization::simple);
  EXPECT_EQ(good(with({"c=simple/relaxed"})).body_canonicalization, Canonicalization::relaxed);
  EXPECT_EQ(good(with({"a=ed25519-sha256"})).algorithm, Algorithm::ed25519_sha256);
  EXPECT_EQ(good(with({"i==6Along@Example.Net"})).identity, "jlong@Example.Net");
  EXPECT_EQ(good(with({"i=jlong@example=2Enet"})).identity_domain, "example.net");
  EXPECT_EQ(good(with({"i=\"a b=20c\"@example.net"})).identity, "\"ab c\"@example.net");
  EXPECT_EQ(good(with({"i=a..b.@example.net"})).identity, "a..b.@example.net");
  EXPECT_EQ(good(with({"i=\xc3\xa4@example.net"})).identity, "\xc3\xa4@example.net");
  EXPECT_EQ(good(with({"d=b\xc3\xbc"
                       "cher.example",
                       "i=x@sub.b\xc3\xbc"
                       "cher.example"}))
                .domain,
            "xn--bcher-kva.example");
  EXPECT_EQ(good(with({"l=0"})).body_length, 0u);
  EXPECT_EQ(good(with({"l=" + std::string(76, '9')})).body_length, 18446744073709551615u);
  EXPECT_EQ(good(with({"q=x-new/opt : dns/txt"})).domain, "example.net");
  EXPECT_EQ(good(with({"h=From : TO :\r\n\tfrom"})).fields, (std::vector<std::string>{"from", "to", "from"}));
  EXPECT_EQ(good(with({"t=1234567890123"})).time, 18446744073709551615u);
  EXPECT_EQ(good(with({"t=5", "x=99999999999999"})).expiry, 18446744073709551615u);
  EXPECT_EQ(good(with({"unknown=anything at all"})).domain, "example.net");
  EXPECT_EQ(good(with({"b=dzd\r\n\tVyO fAKCdL"})).data_text, "dzdVyOfAKCdL");
}

TEST(Signature, RangeOfB_IsWhatHashingDeletes) {
  const auto parsed = parse_signature(" z=b=5; b = \tdzdV\r\n yOfA ; v=1");
  EXPECT_EQ(parsed.signature.data_begin, 11u);
  EXPECT_EQ(parsed.signature.data_end, 25u);
}

TEST(Signature, Faults) {
  struct Case {
    std::string text;
    Reason reason;
  };
  const Case cases[] = {
      {"synerr", Reason::syntax},
      {"", Reason::syntax},
      {with({"v"}), Reason::syntax},
      {with({"a"}), Reason::syntax},
      {with({"b"}), Reason::syntax},
      {with({"bh"}), Reason::syntax},
      {with({"d"}), Reason::syntax},
      {with({"h"}), Reason::syntax},
      {with({"s"}), Reason::syntax},
      {with({"v="}), Reason::syntax},
      {with({"v=1.0"}), Reason::syntax},
      {with({"v=0.5"}), Reason::syntax},
      {with({"v=2"}), Reason::version},
      {with({"v=01"}), Reason::version},
      {with({"a=rsa-sha1"}), Reason::historic},
      {with({"a=dsa-sha1"}), Reason::unsupported},
      {with({"a=rsa-sha512"}), Reason::unsupported},
      {with({"a=RSA-SHA256"}), Reason::unsupported},
      {with({"a=rsa"}), Reason::syntax},
      {with({"a=rsa-"}), Reason::syntax},
      {with({"a=rsa-sha-256"}), Reason::syntax},
      {with({"b="}), Reason::syntax},
      {with({"b=!"}), Reason::syntax},
      {with({"bh="}), Reason::syntax},
      {with({"bh=MTIz"}), Reason::syntax},
      {with({"c=future"}), Reason::unsupported},
      {with({"c=simple/future"}), Reason::unsupported},
      {with({"c="}), Reason::syntax},
      {with({"c=simple/"}), Reason::syntax},
      {with({"c=simple/simple/simple"}), Reason::syntax},
      {with({"c=simple / simple"}), Reason::syntax},
      {with({"d="}), Reason::syntax},
      {with({"d=com"}), Reason::syntax},
      {with({"d=example..net"}), Reason::syntax},
      {with({"d=[192.0.2.1]"}), Reason::syntax},
      {with({"s="}), Reason::syntax},
      {with({"s=a b"}), Reason::syntax},
      {with({"s=a..b"}), Reason::syntax},
      {with({"h="}), Reason::syntax},
      {with({"h=from:"}), Reason::syntax},
      {with({"h=from::to"}), Reason::syntax},
      {with({"h=from:re ply"}), Reason::syntax},
      {with({"h=from:\xc3\xa4"}), Reason::syntax},
      {with({"h=to:date"}), Reason::from_not_signed},
      {with({"h=x-from"}), Reason::from_not_signed},
      {with({"i=example.net"}), Reason::syntax},
      {with({"i=a@"}), Reason::syntax},
      {with({"i=@net"}), Reason::syntax},
      {with({"i=a=20b@example.net"}), Reason::syntax},
      {with({"i=a=0A@example.net"}), Reason::syntax},
      {with({"i=a=zz@example.net"}), Reason::syntax},
      {with({"i=a@other.net"}), Reason::identity_mismatch},
      {with({"i=a@badexample.net"}), Reason::identity_mismatch},
      {with({"i=a@net.example"}), Reason::identity_mismatch},
      {with({"l="}), Reason::syntax},
      {with({"l=-1"}), Reason::syntax},
      {with({"l=" + std::string(77, '1')}), Reason::syntax},
      {with({"q="}), Reason::syntax},
      {with({"q=dns"}), Reason::unsupported},
      {with({"q=dns/special"}), Reason::unsupported},
      {with({"q=dns/"}), Reason::syntax},
      {with({"q=dns/txt:"}), Reason::syntax},
      {with({"t=yesterday"}), Reason::syntax},
      {with({"t="}), Reason::syntax},
      {with({"x=-5"}), Reason::syntax},
      {with({"t=10", "x=10"}), Reason::syntax},
      {with({"t=10", "x=9"}), Reason::syntax},
      {with({}) + " d=example.com", Reason::syntax},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.text);
    const auto parsed = parse_signature(each.text);
    ASSERT_TRUE(parsed.fault.has_value());
    EXPECT_EQ(to_string(parsed.fault->reason), to_string(each.reason));
    EXPECT_FALSE(parsed.fault->text.empty());
  }
}

TEST(Signature, Faulty_ReportsWhatCanBeRead) {
  const auto parsed = parse_signature(with({"v=7", "c=future", "i=joe@example.net"}));
  ASSERT_TRUE(parsed.fault.has_value());
  EXPECT_EQ(parsed.fault->reason, Reason::version);
  EXPECT_EQ(parsed.signature.domain, "example.net");
  EXPECT_EQ(parsed.signature.selector, "brisbane");
  EXPECT_EQ(parsed.signature.identity, "joe@example.net");
  EXPECT_EQ(parsed.signature.algorithm_name, "rsa-sha256");
  EXPECT_EQ(parsed.signature.data_text, "dzdVyOfAKCdL");
}

TEST(Signature, ManyNames_Limited) {
  std::string names = "from";
  for (std::size_t i = 1; i < kMaxSignedFields; ++i) names += ":x";
  EXPECT_EQ(good(with({"h=" + names})).fields.size(), kMaxSignedFields);
  EXPECT_TRUE(parse_signature(with({"h=" + names + ":x"})).fault.has_value());
}

}  // namespace
}  // namespace godwit::dkim
