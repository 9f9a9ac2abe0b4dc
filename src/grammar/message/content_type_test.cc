#include "grammar/message/content_type.h"

#include <gtest/gtest.h>

namespace godwit::message {
namespace {

std::string shown(const std::vector<Parameter>& parameters) {
  std::string out;
  for (const auto& p : parameters) out += ";" + p.name + (p.extended ? "*" : "") + "=" + p.value;
  return out;
}

std::string type(std::string_view text) {
  const auto parsed = parse_content_type(text);
  return parsed ? parsed->type + "/" + parsed->subtype + shown(parsed->parameters) : "none";
}

std::string parameter(std::string_view text, std::string_view name) {
  return find_parameter(parse_content_type(text).value_or(ContentType{}).parameters, name).value_or("none");
}

TEST(ParseContentType, Rfc2045Section5) {
  EXPECT_EQ(type("text/plain; charset=us-ascii (Plain text)"), "text/plain;charset=us-ascii");
  EXPECT_EQ(type("text/plain; charset=\"us-ascii\""), "text/plain;charset=us-ascii");
  EXPECT_EQ(type(" TEXT/Plain ;\r\n\tCharset = ISO-8859-1 ; Format=flowed"), "text/plain;charset=ISO-8859-1;format=flowed");
  EXPECT_EQ(type("(a(b)) text (c) / (d) html (e);(f) a (g) = (h) b (i)"), "text/html;a=b");
  EXPECT_EQ(type("multipart/mixed; boundary=\"a \\\" \\\\ ;b\""), "multipart/mixed;boundary=a \" \\ ;b");
}

TEST(ParseContentType, AsSendersWriteThem) {
  EXPECT_EQ(type("multipart/mixed; boundary=gc0p:08jU/534=c0p"), "multipart/mixed;boundary=gc0p:08jU/534=c0p");
  EXPECT_EQ(type("application/pdf; name=a long name (1).pdf; x=y"), "application/pdf;name=a long name;x=y");
  EXPECT_EQ(type("application/pdf; name=a(1).pdf"), "application/pdf;name=a(1).pdf");
  EXPECT_EQ(type("application/pdf; name=a b.pdf; x=y"), "application/pdf;name=a b.pdf;x=y");
  EXPECT_EQ(type("text/plain;;; ; charset=a;"), "text/plain;charset=a");
  EXPECT_EQ(type("text/plain charset=a format=b"), "text/plain;charset=a;format=b");
  EXPECT_EQ(type("text/plain; charset"), "text/plain");
  EXPECT_EQ(type("text/plain; charset=; a=\"\"; =b"), "text/plain;a=");
  EXPECT_EQ(type("text/plain; name=\"never closed  "), "text/plain;name=never closed");
  EXPECT_EQ(type("text/plain/x; a=b"), "text/plain;a=b");
  EXPECT_EQ(type("text/plain; \"junk\"; a=b"), "text/plain;a=b");
  EXPECT_EQ(type("text/plain; a=b; a=c"), "text/plain;a=b");
  EXPECT_EQ(type("image/gif; name==?utf-8?q?a?=.gif"), "image/gif;name==?utf-8?q?a?=.gif");
  EXPECT_EQ(type(std::string("te\0xt/pl\0ain; a=\"b\0c\"", 21)), "none");
  EXPECT_EQ(type("text/plain (never closed; a=b"), "text/plain");
}

TEST(ParseContentType, WhatIsNone) {
  for (const char* text : {"", "text", "text/", "/plain", "/", ";", ";charset=a", "\"text\"/plain", "text plain", "(text/plain)"})
    EXPECT_EQ(type(text), "none") << text;
  EXPECT_EQ(type(std::string(128, 'a') + "/b"), "none");
}

TEST(ParseContentType, Rfc2231) {
  EXPECT_EQ(type("message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/bulk-mailer.tar\""),
            "message/external-body;access-type=URL;url=ftp://cs.utk.edu/bulk-mailer.tar");
  constexpr auto kTitle =
      "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"";
  EXPECT_EQ(type(kTitle), "application/x-stuff;title*=us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!");
  EXPECT_EQ(parameter(kTitle, "title"), "This is even more ***fun*** isn't it!");
  EXPECT_EQ(parameter("a/b; name*=iso-8859-1''Fr%F6sche", "name"), "Frösche");
  EXPECT_EQ(parameter("a/b; name*=utf-8''%e2%82%ac; name=EUR", "name"), "€");
  EXPECT_EQ(parameter("a/b; name=EUR; name*=utf-8''%e2%82%ac", "name"), "€");
  EXPECT_EQ(parameter("a/b; name*1=b; name*0=a; name*2=c", "name"), "abc");
  EXPECT_EQ(parameter("a/b; name*0*=utf-8''%C3; name*1*=%A4", "name"), "ä");  // a character cut in two
  EXPECT_EQ(parameter("a/b; name*0=a; name*1*=%20b", "name"), "a b");
  EXPECT_EQ(parameter("a/b; name*=broken%2", "name"), "broken%2");
  EXPECT_EQ(parameter("a/b; name*=nobody''%ff", "name"), "\xef\xbf\xbd");
  EXPECT_EQ(parameter("a/b; name=\"=?utf-8?q?=C3=A4?=\"", "name"), "ä");
  EXPECT_EQ(parameter("a/b; name=\xe4", "name"), "\xef\xbf\xbd");
  EXPECT_EQ(parameter("a/b; x=y", "name"), "none");
  EXPECT_EQ(type("a/b; *=c; *0=d; 1*2*3=e; n*99999=f; n**=g"), "a/b;*=c;*0=d;1*2=e;n*99999=f;n**=g");
}

TEST(ParseDisposition, Rfc2183) {
  const auto attachment = parse_disposition("attachment; filename=genome.jpeg;\r\n modification-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"");
  ASSERT_TRUE(attachment);
  EXPECT_EQ(attachment->type, "attachment");
  EXPECT_EQ(shown(attachment->parameters), ";filename=genome.jpeg;modification-date=Wed, 12 Feb 1997 16:29:51 -0500");
  EXPECT_EQ(parse_disposition("INLINE")->type, "inline");
  EXPECT_EQ(parse_disposition("\"attachment\"; filename=a")->type, "attachment");
  EXPECT_EQ(shown(parse_disposition("attachment filename=a")->parameters), ";filename=a");
  for (const char* text : {"", ";", "filename=a", "; filename=a"}) EXPECT_FALSE(parse_disposition(text)) << text;
}

TEST(ParseLanguages, Rfc3282) {
  EXPECT_EQ(parse_languages("en, de-CH (Swiss),fr"), (std::vector<std::string>{"en", "de-CH", "fr"}));
  EXPECT_EQ(parse_languages(""), std::vector<std::string>{});
  EXPECT_EQ(parse_languages(",,(a)"), std::vector<std::string>{});
}

TEST(ParseContentType, LimitsAndTime) {
  std::string many = "a/b";
  for (int i = 0; i < 20'000; ++i) many += ";n" + std::to_string(i) + "=v";
  EXPECT_EQ(parse_content_type(many)->parameters.size(), kMaxParameters);
  for (const char* piece : {"(", "\\", "\"", "a ", ";", "=", "a=", "a=b c ", "a*0=", "\"a", "' "}) {
    std::string text = "a/b;";
    while (text.size() < 200'000) text += piece;
    EXPECT_TRUE(parse_content_type(text)) << piece;
  }
  EXPECT_EQ(parse_languages([] {
              std::string text;
              for (int i = 0; i < 200; ++i) text += "en,";
              return text;
            }())
                .size(),
            kMaxLanguages);
}

}  // namespace
}  // namespace godwit::message
