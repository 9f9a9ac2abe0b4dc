#include "grammar/imap/command_reader.h"

#include <gtest/gtest.h>

#include "grammar/imap/command.h"
#include "grammar/imap/limits.h"

namespace godwit::imap {
namespace {

using Kind = CommandReader::Step::Kind;
using Limits = CommandReader::Limits;

TEST(LiteralAtEnd, Found) {
  struct Case {
    std::string line;
    std::size_t begin;
    std::uint64_t size;
    bool synchronizing;
    bool binary;
  };
  const Case cases[] = {
      {"a LOGIN {11}", 8, 11, true, false},
      {"a LOGIN {11+}", 8, 11, false, false},
      {"a APPEND x ~{5}", 11, 5, true, true},
      {"a APPEND x ~{5+}", 11, 5, false, true},
      {"{0}", 0, 0, true, false},
      {"x{007}", 1, 7, true, false},
      {"x {99999999999999999999999}", 2, 9'223'372'036'854'775'807u, true, false},
      {"x {9223372036854775807}", 2, 9'223'372'036'854'775'807u, true, false},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.line);
    const auto head = literal_at_end(each.line);
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(head->begin, each.begin);
    EXPECT_EQ(head->size, each.size);
    EXPECT_EQ(head->synchronizing, each.synchronizing);
    EXPECT_EQ(head->binary, each.binary);
  }
  for (const std::string line : {"", "}", "{}", "{+}", "a {5} ", "a {5", "a 5}", "a {x}", "a {-5}", "a {5++}", "a {5 }", "a {5}\"", "+}"}) {
    EXPECT_FALSE(literal_at_end(line).has_value()) << line;
  }
}

TEST(CommandReader, PlainLine_IsACommand) {
  CommandReader reader{Limits()};
  EXPECT_TRUE(reader.idle());
  EXPECT_EQ(reader.tag(), "*");
  EXPECT_EQ(reader.add_line("a1 NOOP").kind, Kind::command);
  EXPECT_FALSE(reader.idle());
  EXPECT_EQ(reader.text(), "a1 NOOP");
  EXPECT_EQ(reader.tag(), "a1");
  reader.reset();
  EXPECT_TRUE(reader.idle());
  EXPECT_EQ(reader.add_line("a2 \xff(").kind, Kind::command) << "what is wrong with it, parse_command says";
}

TEST(CommandReader, Literals_AreJoined) {
  CommandReader reader{Limits()};
  const auto first = reader.add_line("A001 LOGIN {11}");
  EXPECT_EQ(first.kind, Kind::literal);
  EXPECT_EQ(first.size, 11u);
  EXPECT_TRUE(first.ask);
  reader.add_literal("FRED ");
  reader.add_literal("FOOBAR");
  const auto second = reader.add_line(" {7+}");
  EXPECT_EQ(second.kind, Kind::literal);
  EXPECT_FALSE(second.ask);
  reader.add_literal("fat man");
  EXPECT_EQ(reader.add_line("").kind, Kind::command);
  const auto command = parse_command(reader.text());
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(std::get<Login>(command->request).user, "FRED FOOBAR");
  EXPECT_EQ(std::get<Login>(command->request).password, "fat man");
}

TEST(CommandReader, Refusals_BeforeAByteIsKept) {
  struct Case {
    std::string line;
    Error::Cause cause;
    std::string tag;
    std::string code;
  };
  const Case cases[] = {
      {"+ LOGIN {5}", Error::Cause::syntax, "*", ""},
      {"{5}", Error::Cause::syntax, "*", ""},
      {"a FOO {5}", Error::Cause::unsupported, "a", ""},
      {"a {5}", Error::Cause::syntax, "a", ""},
      {"a LOGIN {65537}", Error::Cause::limit, "a", "LIMIT"},
      {"a LOGIN {99999999999999999999}", Error::Cause::limit, "a", "LIMIT"},
      {"a LOGIN ~{5}", Error::Cause::syntax, "a", ""},
      {"a APPEND {65537}", Error::Cause::limit, "a", "LIMIT"},
      {"a APPEND x {52428801}", Error::Cause::limit, "a", "TOOBIG"},
      {"a APPEND x (\\Foo) {5}", Error::Cause::syntax, "a", ""},
      {"a APPEND x \"1-Jan-2020\" {5}", Error::Cause::syntax, "a", ""},
      {"a APPEND x UTF8 ({5}", Error::Cause::syntax, "a", ""},
      {"a APPEND & {5}", Error::Cause::denied, "a", ""},
      {"a APPEND x  {5}", Error::Cause::syntax, "a", ""},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.line);
    CommandReader reader{Limits()};
    const auto step = reader.add_line(each.line);
    EXPECT_EQ(step.kind, Kind::refused);
    EXPECT_EQ(step.error.cause, each.cause);
    EXPECT_EQ(step.code, each.code);
    EXPECT_EQ(reader.tag(), each.tag);
    reader.reset();
    EXPECT_EQ(reader.add_line("b NOOP").kind, Kind::command);
    EXPECT_EQ(reader.text(), "b NOOP");
  }
}

TEST(CommandReader, UnaskedLiteralRefused_IsSkippedThenAnswered) {
  CommandReader reader{Limits()};
  const auto skip = reader.add_line("a LOGIN {4097+}");  // RFC 7888 5
  EXPECT_EQ(skip.kind, Kind::skip);
  EXPECT_EQ(skip.size, 4'097u);
  EXPECT_FALSE(reader.idle());
  const auto again = reader.add_line(" {3+}");
  EXPECT_EQ(again.kind, Kind::skip);
  EXPECT_EQ(again.size, 3u);
  const auto refused = reader.add_line("");
  EXPECT_EQ(refused.kind, Kind::refused);
  EXPECT_EQ(refused.error.cause, Error::Cause::limit);
  EXPECT_EQ(refused.code, "LIMIT");
  EXPECT_EQ(reader.tag(), "a");
}

TEST(CommandReader, RefusedCommandThatAsks_IsOver) {
  CommandReader reader{Limits()};
  EXPECT_EQ(reader.add_line("a FOO {5+}").kind, Kind::skip);
  EXPECT_EQ(reader.add_line(" {10}").kind, Kind::refused) << "the client waits and may send nothing more";
}

TEST(CommandReader, LiteralPlus_NeedNotAsk) {
  Limits limits;
  limits.unasked = limits.message;
  CommandReader reader(limits);
  const auto step = reader.add_line("a APPEND x {5000000+}");
  EXPECT_EQ(step.kind, Kind::message);
  EXPECT_FALSE(step.ask);
}

TEST(CommandReader, TooMuchToSkip_Hopeless) {
  Limits limits;
  limits.skip = 10'000;
  CommandReader reader(limits);
  EXPECT_EQ(reader.add_line("a LOGIN {6000+}").kind, Kind::skip);
  EXPECT_EQ(reader.add_line(" {6000+}").kind, Kind::hopeless);
  CommandReader other(limits);
  EXPECT_EQ(other.add_line("a LOGIN {99999999999999999999+}").kind, Kind::hopeless);
}

TEST(CommandReader, Append_MessagesAreNotKept) {
  CommandReader reader{Limits()};
  const auto name = reader.add_line("a APPEND {7}");
  EXPECT_EQ(name.kind, Kind::literal);
  reader.add_literal("foo bar");
  const auto first = reader.add_line(" (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" {300000}");
  EXPECT_EQ(first.kind, Kind::message);
  EXPECT_EQ(first.size, 300'000u);
  EXPECT_TRUE(first.ask);
  const auto second = reader.add_line(" UTF8 (~{9+}");
  EXPECT_EQ(second.kind, Kind::message);
  EXPECT_TRUE(second.binary);
  const auto third = reader.add_line(") ~{0}");
  EXPECT_EQ(third.kind, Kind::message);
  EXPECT_EQ(reader.add_line("").kind, Kind::command);
  const auto command = parse_command(reader.text());
  ASSERT_TRUE(command.has_value());
  const auto& append = std::get<Append>(command->request);
  EXPECT_EQ(append.mailbox, "foo bar");
  ASSERT_EQ(append.messages.size(), 3u);
  EXPECT_EQ(append.messages[0].size, 300'000u);
  EXPECT_TRUE(append.messages[1].utf8);
  EXPECT_EQ(append.messages[2].size, 0u);
}

TEST(CommandReader, Append_SaysWhereItGoes) {
  CommandReader reader{Limits()};
  EXPECT_EQ(reader.add_line("a APPEND \"Entw&APw-rfe\" (\\Draft) {5}").kind, Kind::message);
  EXPECT_EQ(reader.append_mailbox(), "Entw\xc3\xbcrfe");
  reader.reset();
  EXPECT_EQ(reader.append_mailbox(), "");
  EXPECT_EQ(reader.add_line("a APPEND {5}").kind, Kind::literal);
  reader.add_literal("iNbOx");
  EXPECT_EQ(reader.add_line(" {5+}").kind, Kind::message);
  EXPECT_EQ(reader.append_mailbox(), "INBOX");
}

TEST(CommandReader, Append_WrongBetweenMessages_RefusedAtOnce) {
  for (const std::string line : {") {5}", "{5}", " (\\Foo) {5}", " x {5}"}) {
    CommandReader reader{Limits()};
    EXPECT_EQ(reader.add_line("a APPEND x {5}").kind, Kind::message);
    EXPECT_EQ(reader.add_line(line).kind, Kind::refused) << line;
  }
  CommandReader open{Limits()};
  EXPECT_EQ(open.add_line("a APPEND x UTF8 (~{5}").kind, Kind::message);
  EXPECT_EQ(open.add_line(" {5}").kind, Kind::refused);
}

TEST(CommandReader, Append_TooManyMessages_Refused) {
  CommandReader reader{Limits()};
  EXPECT_EQ(reader.add_line("a APPEND x {1}").kind, Kind::message);
  for (std::size_t i = 1; i < kMaxAppendMessages; ++i) ASSERT_EQ(reader.add_line(" {1}").kind, Kind::message);
  EXPECT_EQ(reader.add_line(" {1}").error.cause, Error::Cause::limit);
}

TEST(CommandReader, SessionRefuses_AsIfWeHad) {
  CommandReader reader{Limits()};
  reader.add_line("a APPEND x {5}");
  const auto asked = reader.refuse(Error::permanent(Error::Cause::not_found, "no such mailbox"), "TRYCREATE");
  EXPECT_EQ(asked.kind, Kind::refused);
  EXPECT_EQ(asked.code, "TRYCREATE");
  reader.reset();
  reader.add_line("b APPEND x {5+}");
  EXPECT_EQ(reader.refuse(Error::permanent(Error::Cause::not_found, "no such mailbox"), "TRYCREATE").kind, Kind::skip);
  const auto answer = reader.add_line("");
  EXPECT_EQ(answer.kind, Kind::refused);
  EXPECT_EQ(answer.code, "TRYCREATE");
  EXPECT_EQ(answer.error.text, "no such mailbox");
}

TEST(CommandReader, CommandTooLong_Refused) {
  Limits limits;
  limits.command = 100;
  CommandReader reader(limits);
  EXPECT_EQ(reader.add_line("tag " + std::string(97, 'x')).error.cause, Error::Cause::limit);
  EXPECT_EQ(reader.tag(), "tag");
  reader.reset();
  EXPECT_EQ(reader.add_line("tag LOGIN {90}").code, "LIMIT");
  reader.reset();
  EXPECT_EQ(reader.add_line("tag " + std::string(97, 'x') + " {5+}").kind, Kind::skip);
  EXPECT_EQ(reader.add_line("").kind, Kind::refused);
  EXPECT_EQ(reader.tag(), "tag");
  reader.reset();
  EXPECT_EQ(reader.add_line("tag LOGIN {50}").kind, Kind::literal);
  reader.add_literal(std::string(50, 'u'));
  EXPECT_EQ(reader.add_line(" " + std::string(50, 'p')).kind, Kind::refused);
}

TEST(CommandReader, BeforeLogin_LittleIsTaken) {
  Limits limits{.literal = 4096, .command = 16'384, .message = 0, .unasked = 4096, .skip = 65'536};
  CommandReader reader(limits);
  EXPECT_EQ(reader.add_line("a APPEND INBOX {100}").kind, Kind::refused);
  reader.reset();
  reader.set_limits(Limits());
  EXPECT_EQ(reader.add_line("a APPEND INBOX {100}").kind, Kind::message);
}

}  // namespace
}  // namespace godwit::imap
