#include "grammar/smtp/extension.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::smtp {
namespace {

TEST(ParseExtensions, AllThatWeUse) {
  const auto e = parse_extensions({250,
                                   {},
                                   "mx.example.org Hello\nPIPELINING\nSIZE 52428800\n8bitmime\nSMTPUTF8\nSTARTTLS\nENHANCEDSTATUSCODES\n"
                                   "DSN\nCHUNKING\nBINARYMIME\nAUTH PLAIN login\nX-STRANGE foo"});
  EXPECT_EQ(e.greeting, "mx.example.org");
  EXPECT_TRUE(e.pipelining && e.eight_bit_mime && e.smtputf8 && e.starttls && e.enhanced_status_codes && e.dsn && e.chunking &&
              e.binary_mime);
  EXPECT_EQ(e.size_max, 52'428'800U);
  EXPECT_THAT(e.auth, testing::ElementsAre("PLAIN", "LOGIN"));
  EXPECT_TRUE(e.has_auth("plain"));
  EXPECT_FALSE(e.has_auth("SCRAM-SHA-256"));
}

TEST(ParseExtensions, Rfc1870_SizeWithoutLimit) {
  for (const char* line : {"SIZE", "SIZE 0", "SIZE x", "SIZE 99999999999999999999999"}) {
    const auto e = parse_extensions({250, {}, std::string("h\n") + line});
    EXPECT_TRUE(e.size) << line;
    EXPECT_FALSE(e.size_max) << line;
  }
}

TEST(ParseExtensions, OldAuthForm_CountsToo) {
  EXPECT_THAT(parse_extensions({250, {}, "h\nAUTH=LOGIN PLAIN\nAUTH LOGIN"}).auth, testing::ElementsAre("LOGIN", "PLAIN"));
}

TEST(ParseExtensions, NotAnAnswerToEhlo_GivesNothing) {
  EXPECT_FALSE(parse_extensions({250, {}, "h"}).pipelining);
  EXPECT_FALSE(parse_extensions({250, {}, "PIPELINING"}).pipelining);  // the first line is the name
  EXPECT_FALSE(parse_extensions({550, {}, "h\nPIPELINING"}).pipelining);
  EXPECT_FALSE(parse_extensions({}).size);
}

TEST(ParseExtensions, ManyMechanisms_AreBounded) {
  std::string line = "h\nAUTH";
  for (int i = 0; i < 100; ++i) line += " M" + std::to_string(i);
  EXPECT_EQ(parse_extensions({250, {}, line}).auth.size(), 32U);
}

}  // namespace
}  // namespace godwit::smtp
