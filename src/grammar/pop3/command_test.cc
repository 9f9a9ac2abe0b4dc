#include "grammar/pop3/command.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace godwit::pop3 {
namespace {

TEST(Pop3Command, Accepted) {
  struct Case {
    std::string line;
    Verb verb;
    std::string text;
    std::optional<std::uint32_t> message;
    std::uint32_t lines = 0;
    std::optional<std::string> initial = std::nullopt;
  };
  const Case cases[] = {
      {"USER mrose", Verb::user, "mrose", {}},  // RFC 1939 7
      {"user anna@example.org", Verb::user, "anna@example.org", {}},
      {"PASS a b  c ", Verb::pass, "a b  c ", {}},
      {"PASS  x", Verb::pass, " x", {}},
      {"STAT", Verb::stat, "", {}},
      {"stat  ", Verb::stat, "", {}},
      {"LIST", Verb::list, "", {}},
      {"LIST ", Verb::list, "", {}},
      {"LIST 2", Verb::list, "", 2},
      {"UIDL", Verb::uidl, "", {}},
      {"UIDL 4294967295", Verb::uidl, "", 4'294'967'295u},
      {"RETR 1", Verb::retr, "", 1},
      {"RETR 007", Verb::retr, "", 7},
      {"DELE 1 ", Verb::dele, "", 1},
      {"TOP 1 10", Verb::top, "", 1, 10},
      {"TOP 1 0", Verb::top, "", 1, 0},
      {"RSET", Verb::rset, "", {}},
      {"NOOP", Verb::noop, "", {}},
      {"quit", Verb::quit, "", {}},
      {"CAPA", Verb::capa, "", {}},
      {"STLS", Verb::stls, "", {}},
      {"UTF8", Verb::utf8, "", {}},
      {"LANG", Verb::lang, "", {}},
      {"LANG ", Verb::lang, "", {}},
      {"lang *", Verb::lang, "*", {}},
      {"LANG de-CH ", Verb::lang, "de-CH", {}},
      {"LANG i-default", Verb::lang, "i-default", {}},
      {"AUTH", Verb::auth, "", {}},
      {"AUTH login", Verb::auth, "LOGIN", {}},
      {"AUTH LOGIN YW5uYQ==", Verb::auth, "LOGIN", {}, 0, "YW5uYQ=="},
      {"AUTH plain", Verb::auth, "PLAIN", {}},
      {"AUTH SCRAM-SHA-256 biws", Verb::auth, "SCRAM-SHA-256", {}, 0, "biws"},
      {"AUTH PLAIN =", Verb::auth, "PLAIN", {}, 0, ""},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.line);
    const auto command = parse_command(each.line);
    ASSERT_TRUE(command.has_value());
    EXPECT_EQ(command->verb, each.verb);
    EXPECT_EQ(command->text, each.text);
    EXPECT_EQ(command->message, each.message);
    EXPECT_EQ(command->lines, each.lines);
    EXPECT_EQ(command->initial_response, each.initial);
    EXPECT_TRUE(ascii_iequals(to_string(command->verb), each.line.substr(0, to_string(command->verb).size())));
  }
}

TEST(Pop3Command, Refused) {
  struct Case {
    std::string line;
    Error::Cause cause;
  };
  const Case cases[] = {
      {"", Error::Cause::unsupported},
      {" STAT", Error::Cause::unsupported},
      {"STATX", Error::Cause::unsupported},
      {"APOP mrose c4c9334bac560ecc979e58001b3e22fb", Error::Cause::unsupported},
      {"EHLO x", Error::Cause::unsupported},
      {"STAT\t", Error::Cause::unsupported},
      {"STAT 1", Error::Cause::syntax},
      {"USER", Error::Cause::syntax},
      {"USER ", Error::Cause::syntax},
      {"PASS", Error::Cause::syntax},
      {"RETR", Error::Cause::syntax},
      {"RETR 0", Error::Cause::syntax},
      {"RETR -1", Error::Cause::syntax},
      {"RETR +1", Error::Cause::syntax},
      {"RETR 1 2", Error::Cause::syntax},
      {"RETR  1", Error::Cause::syntax},
      {"RETR x", Error::Cause::syntax},
      {"RETR 4294967296", Error::Cause::syntax},
      {"TOP 1", Error::Cause::syntax},
      {"TOP 1 -1", Error::Cause::syntax},
      {"TOP 1 1 1", Error::Cause::syntax},
      {"TOP 0 1", Error::Cause::syntax},
      {"LANG  en", Error::Cause::syntax},
      {"LANG en de", Error::Cause::syntax},
      {"LANG en_US", Error::Cause::syntax},
      {"LANG en-*", Error::Cause::syntax},
      {"LANG \xc3\xa4", Error::Cause::syntax},
      {"AUTH PL:AIN", Error::Cause::syntax},
      {"AUTH PLAIN a b", Error::Cause::syntax},
      {"AUTH ABCDEFGHIJKLMNOPQRSTU", Error::Cause::syntax},
      {std::string("USER a\0b", 8), Error::Cause::syntax},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.line);
    const auto command = parse_command(each.line);
    ASSERT_FALSE(command.has_value());
    EXPECT_EQ(command.error().cause, each.cause);
    EXPECT_LE(command.error().position, each.line.size());
  }
}

}  // namespace
}  // namespace godwit::pop3
