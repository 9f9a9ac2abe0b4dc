#include "grammar/message/received.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "grammar/message/header.h"

namespace godwit::message {
namespace {

const IpAddress kClient{false, {192, 0, 2, 7}};
const Date kDate{std::chrono::sys_seconds(std::chrono::seconds(1'795'349'919)), 0, true};

Received basic() {
  Received r;
  r.helo = "client.example";
  r.client = &kClient;
  r.by = "mx1.example.org";
  r.id = "0abcdefghjkmn";
  r.date = kDate;
  return r;
}

TEST(FormatReceived, Plain) {
  EXPECT_EQ(format_received(basic()),
            "Received: from client.example ([192.0.2.7])\r\n\tby mx1.example.org with ESMTP id 0abcdefghjkmn;\r\n\tSun, 22 Nov 2026 "
            "12:18:39 +0000\r\n");
}

TEST(FormatReceived, Everything) {
  auto r = basic();
  r.client_name = "host.client.example";
  r.tls = r.authenticated = true;
  r.tls_version = "TLSv1.3";
  r.tls_cipher = "TLS_AES_256_GCM_SHA384";
  r.identity = "joe@example.org";
  r.recipient = "mary@example.net";
  EXPECT_EQ(format_received(r),
            "Received: from client.example (host.client.example [192.0.2.7])\r\n\t(authenticated:joe@example.org)\r\n"
            "\tby mx1.example.org with ESMTPSA id 0abcdefghjkmn\r\n\tfor <mary@example.net>\r\n"
            "\ttls TLS_AES_256_GCM_SHA384 (TLSv1.3);\r\n\tSun, 22 Nov 2026 12:18:39 +0000\r\n");
}

TEST(FormatReceived, LocalProgram_HasNoFrom) {
  auto r = basic();
  r.client = nullptr;
  r.helo = "";
  EXPECT_EQ(format_received(r), "Received: by mx1.example.org id 0abcdefghjkmn;\r\n\tSun, 22 Nov 2026 12:18:39 +0000\r\n");
}

TEST(WithKeyword, Rfc3848AndRfc6531Section4_3) {
  auto r = basic();
  EXPECT_EQ(with_keyword(r), "ESMTP");
  r.esmtp = false;
  EXPECT_EQ(with_keyword(r), "SMTP");
  r.esmtp = r.tls = true;
  EXPECT_EQ(with_keyword(r), "ESMTPS");
  r.authenticated = true;
  EXPECT_EQ(with_keyword(r), "ESMTPSA");
  r.tls = false;
  EXPECT_EQ(with_keyword(r), "ESMTPA");
  r.smtputf8 = true;
  EXPECT_EQ(with_keyword(r), "UTF8SMTPA");
  r.lmtp = r.tls = true;
  EXPECT_EQ(with_keyword(r), "UTF8LMTPSA");
  r.smtputf8 = false;
  EXPECT_EQ(with_keyword(r), "LMTPSA");
}

TEST(FormatReceived, NoValue_CanBreakOut) {
  const std::string evil = "x\r\n\r\nBcc: y;(\")\\<>\x01\xff " + std::string(3'000, 'z');
  auto r = basic();
  r.helo = r.client_name = r.by = r.tls_version = r.tls_cipher = r.identity = r.id = r.recipient = evil;
  r.tls = true;
  const auto out = format_received(r);
  HeaderScanner scanner;
  scanner.feed(out + "\r\n");
  EXPECT_TRUE(scanner.done());
  EXPECT_EQ(scanner.summary().fields, 1U);
  EXPECT_EQ(scanner.summary().received, 1U);
  EXPECT_EQ(scanner.summary().size, out.size());
  EXPECT_FALSE(scanner.summary().eight_bit);
  EXPECT_EQ(out.find("for <"), std::string::npos);
  for (std::size_t begin = 0; begin < out.size();) {
    const auto end = out.find("\r\n", begin);
    EXPECT_LE(end - begin, 998U);  // RFC 5322 2.1.1
    begin = end + 2;
  }
  EXPECT_EQ(std::ranges::count(out, ';'), 1);
}

TEST(FormatReceived, LongNames_AreFoldedUnder78) {
  auto r = basic();
  const std::string helo = std::string(60, 'h') + ".example";
  const std::string name = std::string(50, 'n') + ".example";
  r.helo = helo;
  r.client_name = name;
  r.by = helo;
  const auto out = format_received(r);
  for (std::size_t begin = 0; begin < out.size();) {
    const auto end = out.find("\r\n", begin);
    EXPECT_LE(end - begin, 78U);
    begin = end + 2;
  }
}

TEST(FormatReceived, For_IsLeftOutWhereItCouldHurt) {
  for (const char* recipient : {"\"a b\"@example.org", "\"a;b\"@example.org", "jürgen@example.org", "a>b@example.org"}) {
    auto r = basic();
    r.recipient = recipient;
    EXPECT_EQ(format_received(r).find("for <"), std::string::npos) << recipient;
  }
  auto r = basic();
  r.recipient = "jürgen@example.org";
  r.smtputf8 = true;  // RFC 6531 3.7.3
  EXPECT_NE(format_received(r).find("for <jürgen@example.org>"), std::string::npos);
}

}  // namespace
}  // namespace godwit::message
