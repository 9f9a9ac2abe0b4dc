#include "grammar/authres/authres.h"

#include <gtest/gtest.h>

namespace godwit::authres {
namespace {

std::string read(std::string_view body) {
  const auto parsed = parse(body);
  return parsed ? format_body(*parsed, 0) : "error: " + parsed.error().text;
}

TEST(Parse, Rfc8601Examples_AreRead) {
  // RFC 8601 B.2 to B.6
  EXPECT_EQ(read(" example.org 1; none"), " example.org 1; none");
  const auto one = parse(" example.com;\r\n      spf=pass smtp.mailfrom=example.net").value();
  EXPECT_EQ(one.authserv_id, "example.com");
  EXPECT_EQ(one.find("spf")->value("smtp", "mailfrom"), "example.net");
  const auto many = parse(
                        " example.com;\r\n dkim=pass (good signature) header.d=mail-router.example.net;\r\n"
                        "\tdkim = fail(bad (nested) signature) reason=\"worn out\" header . i = @newyork.example.com")
                        .value();
  ASSERT_EQ(many.methods.size(), 2u);
  EXPECT_EQ(many.methods[0].comment, "good signature");
  EXPECT_EQ(many.methods[1].comment, "bad (nested) signature");
  EXPECT_EQ(many.methods[1].reason, "worn out");
  EXPECT_EQ(many.methods[1].value("header", "i"), "@newyork.example.com");
  const auto commented =
      parse(
          " foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
          " policy (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) 1362471462")
          .value();
  EXPECT_EQ(commented.version, "1");
  EXPECT_EQ(commented.methods[0].version, "1");
  EXPECT_EQ(commented.methods[0].value("policy", "expired"), "1362471462");
}

TEST(Parse, WhatOthersWrite_IsTaken) {
  EXPECT_EQ(parse("mx.google.com; dkim=pass header.b=\"QS+O8z2Y\"; spf=pass;").value().methods.size(), 2u);
  const auto odd = parse("spf=fail").value();  // no authserv-id at all: it is the id
  EXPECT_EQ(odd.authserv_id, "spf=fail");
  EXPECT_EQ(parse("x; dmarc=fail action=none header.from=a.test; compauth=fail reason=001").value().methods[1].reason, "001");
  EXPECT_EQ(parse("x; dkim=pass header.b=ab/cd==").value().methods[0].value("header", "b"), "ab/cd==");
  EXPECT_EQ(parse("x; auth=pass smtp.auth=\"joe \\\"x\\\"\"@example.org").value().methods[0].value("smtp", "auth"),
            "joe \"x\"@example.org");
}

TEST(Parse, Refused_WithPosition) {
  for (const std::string_view text :
       {"", " ", ";", "(open", "id (open", "id; spf", "id; =pass", "id; spf=", "id; spf=pass x", "id; spf=pass x.=1",
        "id; spf=pass x.y=\"open", "id 1 2; none", "id; spf=pass )", "id; spf=pass x.y=a\"b\""}) {
    SCOPED_TRACE(text);
    const auto parsed = parse(text);
    ASSERT_FALSE(parsed);
    EXPECT_LE(parsed.error().position, text.size());
  }
  EXPECT_FALSE(parse("id; x=y " + std::string(100, '(') + std::string(100, ')')));
  std::string many = "id";
  for (int i = 0; i < 201; ++i) many += "; x=y";
  EXPECT_EQ(parse(many).error().cause, Error::Cause::limit);
}

TEST(Format, ValuesThatBite_AreQuoted) {
  Results results{.authserv_id = "mx.example.org", .version = "", .methods = {}};
  EXPECT_EQ(format(results), "Authentication-Results: mx.example.org; none\r\n");
  MethodResult method{"spf", "", "fail", "say (no) \\", "a \"b\"\r\nX: y", {}};
  method.add("smtp.mailfrom", "a b@example.org; dkim=pass");
  method.add("header.from", "joe@example.org");
  method.add("header.d", "");
  results.methods = {method, {"bad method", "", "pass", "", "", {}}};
  const std::string text = format(results);
  EXPECT_EQ(text,
            "Authentication-Results: mx.example.org;\r\n\tspf=fail (say \\(no\\) \\\\) reason=\"a \\\"b\\\"??X: y\"\r\n"
            "\tsmtp.mailfrom=\"a b@example.org; dkim=pass\" header.from=joe@example.org\r\n");
  const auto again = parse(text.substr(text.find(':') + 1)).value();
  ASSERT_EQ(again.methods.size(), 1u);
  EXPECT_EQ(again.methods[0].value("smtp", "mailfrom"), "a b@example.org; dkim=pass");
  EXPECT_EQ(again.methods[0].comment, "say (no) \\");
}

TEST(Strip, OursAloneGo) {
  const std::string header =
      "Received: x\r\nAuthentication-Results: MX.example.org;\r\n spf=pass\r\nAuthentication-Results: other.example; none\r\n"
      "authentication-results : (hi (there)) \"mx.example.org\" 1; dkim=pass\r\nAuthentication-Results: (never ends; none\r\n"
      "Authentication-Results:\r\n mx.example.org\r\nAuthentication-Results: mx.example.org.evil; none\r\nSubject: a\r\n\r\n"
      "Authentication-Results: mx.example.org; none\r\n";
  EXPECT_EQ(strip(header, "mx.example.org"),
            "Received: x\r\nAuthentication-Results: other.example; none\r\nAuthentication-Results: mx.example.org.evil; none\r\n"
            "Subject: a\r\n\r\nAuthentication-Results: mx.example.org; none\r\n");
  EXPECT_EQ(strip("Authentication-Results: a; none", "a"), "");
  EXPECT_EQ(strip(" junk\nA: b\n", "a"), " junk\nA: b\n");
}

}  // namespace
}  // namespace godwit::authres
