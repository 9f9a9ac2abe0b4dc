#include "app/sendmail/options.h"

#include <gtest/gtest.h>

namespace godwit::sendmail {
namespace {

using Mode = Options::Mode;
using Words = std::vector<std::string>;

Options parse(Words words, const std::string& program = "/usr/sbin/sendmail") {
  words.insert(words.begin(), program);
  auto options = parse_arguments(words);
  EXPECT_TRUE(options) << (options ? "" : options.error());
  return options ? *std::move(options) : Options{};
}

TEST(Sendmail_Options, AsProgramsCallIt) {
  const auto cron = parse({"-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root"});
  EXPECT_TRUE(cron.ignore_dots);
  EXPECT_EQ(cron.full_name, "CronDaemon");
  EXPECT_EQ(cron.recipients, Words{"root"});

  const auto php = parse({"-t", "-i"});
  EXPECT_TRUE(php.from_header && php.ignore_dots);

  const auto mutt = parse({"-oem", "-oi", "-f", "ann@example.org", "--", "-odd@example.org", "bob@example.org"});
  EXPECT_TRUE(mutt.ignore_dots);
  EXPECT_EQ(mutt.sender, "ann@example.org");
  EXPECT_EQ(mutt.recipients, (Words{"-odd@example.org", "bob@example.org"}));

  const auto git = parse({"-ti", "-rann@example.org", "-N", "Success,Delay", "-R", "hdrs", "-V", "id7", "-v"});
  EXPECT_TRUE(git.from_header && git.ignore_dots);
  EXPECT_EQ(git.sender, "ann@example.org");
  EXPECT_EQ(git.notify, "success,delay");
  EXPECT_EQ(git.ret, "hdrs");
  EXPECT_EQ(git.envid, "id7");
  EXPECT_EQ(parse({"-V", "a b", "x@y"}).envid, "a+20b");
  EXPECT_EQ(parse({"-Va+20b", "x@y"}).envid, "a+20b");
  EXPECT_TRUE(git.recipients.empty());
}

TEST(Sendmail_Options, BetweenRecipients_AndModes) {
  const auto mixed = parse({"a@x", "-C", "/tmp/c.toml", "b@x", "-f", "<>"});
  EXPECT_EQ(mixed.recipients, (Words{"a@x", "b@x"}));
  EXPECT_EQ(mixed.config, "/tmp/c.toml");
  EXPECT_EQ(mixed.sender, "");
  EXPECT_EQ(parse({"-bp"}).mode, Mode::queue_listing);
  EXPECT_EQ(parse({"-bs"}).mode, Mode::smtp);
  EXPECT_EQ(parse({"-q30m"}).mode, Mode::nothing);
  EXPECT_EQ(parse({"-bm", "-OIgnoreDots", "a"}).ignore_dots, true);
  EXPECT_EQ(parse({}, "mailq").mode, Mode::queue_listing);
  EXPECT_EQ(parse({}, "/usr/bin/newaliases").mode, Mode::nothing);
  EXPECT_TRUE(parse({"--help"}).help);
}

TEST(Sendmail_Options, WhatIsNotUnderstood_IsNamed) {
  const std::pair<Words, std::string> cases[] = {
      {{"sendmail", "-Z"}, "-Z is not understood"},
      {{"sendmail", "-t", "-f"}, "-f needs a value"},
      {{"sendmail", "-bz"}, "-bz is not understood; there are -bm, -bp, -bi and -bs"},
      {{"sendmail", "-N", "always"}, "-N always is not understood; write never, or a list of success, failure, delay"},
      {{"sendmail", "-R", "all"}, "-R all is not understood; there are full and hdrs"},
      {{"sendmail", "-V", "a\nb"}, "-V a\nb is not understood: what is encoded in xtext here is printable ASCII"},
      {{"sendmail", "-Bx"}, "-B x is not understood; there are 7BIT and 8BITMIME"},
  };
  for (const auto& [words, sentence] : cases) {
    const auto options = parse_arguments(words);
    ASSERT_FALSE(options) << sentence;
    EXPECT_EQ(options.error(), sentence);
  }
  EXPECT_TRUE(parse_arguments({}));
}

}  // namespace
}  // namespace godwit::sendmail
