#include "frontend/submitd/submitd.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "frontend/submitd/handover.h"
#include "testing/mail_world.h"
#include "testing/memory_stream.h"

namespace godwit::submitd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

// A memory stream has no user: this one says who calls.
class FromUser final : public net::Stream {
 public:
  FromUser(std::unique_ptr<net::Stream> inner, unsigned uid) : inner_(std::move(inner)), uid_(uid) {}
  Task<Result<std::size_t>> read(std::span<char> into, Duration timeout) override { return inner_->read(into, timeout); }
  Task<Result<void>> wait_readable(Duration timeout) override { return inner_->wait_readable(timeout); }
  Task<Result<void>> write(std::string_view bytes, Duration timeout) override { return inner_->write(bytes, timeout); }
  void close() override { inner_->close(); }
  void cancel() override { inner_->cancel(); }
  const Endpoint& remote() const override { return inner_->remote(); }
  const Endpoint& local() const override { return inner_->local(); }
  std::optional<net::PeerCredentials> credentials() const override { return net::PeerCredentials{uid_, uid_, 1, ""}; }

 private:
  std::unique_ptr<net::Stream> inner_;
  unsigned uid_;
};

class SubmitdTest : public ::testing::Test {
 protected:
  SubmitdTest() {
    GODWIT_CHECK(world.add_domain("example.org").has_value() && world.add_account("bob@example.org", "secret").has_value());
    GODWIT_CHECK(mkdtemp(root.data()) != nullptr);
    drop = root + "/maildrop";
    settings->hostname = "mx.example.org";
  }
  ~SubmitdTest() override {
    tasks.stop();
    world.loop.advance(std::chrono::minutes(30));
    fs::remove_all(root);
  }

  // What the server says, all of it.
  std::string say(std::string_view text, unsigned uid = 1000) {
    auto [server, client] = testing::make_memory_streams(world.loop.clock());
    net::spawn(world.loop.executor(), tasks, "submit", serve(std::make_unique<FromUser>(std::move(server), uid), context));
    ignore(world.loop.run(client->write(text, std::chrono::seconds(1))), "it may refuse");
    world.loop.poll();
    world.loop.advance(std::chrono::minutes(2));  // who says no more is given up
    std::string heard;
    std::array<char, 4096> room{};
    while (true) {
      const auto count = world.loop.run(client->read(room, std::chrono::milliseconds(1)));
      if (!count || *count == 0) return heard;
      heard.append(room.data(), *count);
    }
  }
  void put(const std::string& name, const std::string& bytes) { std::ofstream(drop + "/" + name, std::ios::binary) << bytes; }
  std::vector<std::string> names(const std::string& directory) {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(directory)) out.push_back(entry.path().filename());
    return out;
  }
  bool take() {
    std::string directory = drop;
    return world.loop.run(take_maildrop(context, std::move(directory)));
  }

  testing::MailWorld world;
  std::string root = "/tmp/godwit-submitd-XXXXXX";
  std::string drop;
  std::shared_ptr<Settings> settings = std::make_shared<Settings>();
  net::TaskGroup tasks;
  net::ConnectionLimits limits{100, 10};
  Rates rates;
  Context context{*world.intake, *world.directory, world.loop.clock(), world.random, world.pool, [this] { return settings; }, tasks, limits,
                  rates};
};

const std::string kHead = "submit 1\nto bob\nlogin ann\n";
const std::string kMail = "14\nSubject: x\r\n\r\n0\n";

TEST_F(SubmitdTest, Socket_KeepsWithItsUser) {
  EXPECT_THAT(say(kHead + "author A. \"E\"\n\n" + kMail), HasSubstr("354 Go on\r\n250 2.0.0 "));
  const auto messages = world.stored();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].reverse_path.text(), "ann@example.org");
  EXPECT_EQ(messages[0].client, "uid 1000 (ann)");
  EXPECT_THAT(messages[0].prefix, StartsWith("Received: by mx.example.org (from uid 1000) id "));
  EXPECT_EQ(world.body_of(messages[0]), "From: \"A. \\\"E\\\"\" <ann@example.org>\r\nSubject: x\r\n\r\n");
}

// RFC 3461 4: of each recipient what he has, else what stands for all
TEST_F(SubmitdTest, Socket_WhatIsAskedOfReports_IsKept) {
  EXPECT_THAT(say("submit 1\nto bob\nto bob+x\nto-notify success,delay\nto-orcpt rfc822;bob+2Bx@example.org\nnotify never\nret hdrs\nenvid "
                  "QQ+2B1\n\n" +
                  kMail),
              HasSubstr("250 2.0.0 "));
  const auto messages = world.stored();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].envid, "QQ+2B1");
  EXPECT_EQ(messages[0].ret, queue::Message::Return::headers);
  ASSERT_EQ(messages[0].recipients.size(), 2u);
  EXPECT_TRUE(messages[0].recipients[0].notify.never);
  EXPECT_TRUE(messages[0].recipients[1].notify.success && messages[0].recipients[1].notify.delay &&
              !messages[0].recipients[1].notify.never);
  EXPECT_EQ(messages[0].recipients[1].orcpt, "rfc822;bob+2Bx@example.org");
  for (const std::string bad : {"to-notify sometimes", "to-orcpt ann", "ret all", "envid a+0D+0AX:1"})
    EXPECT_THAT(say(kHead + bad + "\n\n"), StartsWith("501 5.5.4 ")) << bad;
}

TEST_F(SubmitdTest, Socket_RefusesAllOrNothing) {
  EXPECT_THAT(say("submit 1\nto bob\nto nosuch\nto x y\n\n"), StartsWith("550-5.1.1 nosuch: No such user here\r\n550 5.1.1 x y: "));
  EXPECT_THAT(say(kHead + "from a b\n\n"), StartsWith("553 5.1.7 "));
  EXPECT_THAT(say(kHead + "notify always\n\n"), StartsWith("501 5.5.4 "));
  EXPECT_THAT(say(kHead + "size 99999999999\n\n"), StartsWith("552 5.3.4 "));
  EXPECT_THAT(say("HELO x\r\n"), StartsWith("554 5.6.0 "));
  EXPECT_THAT(say(kHead + "\n2\nx\n"), HasSubstr("554 5.6.0 Not a submission: a bare LF in the message"));
  EXPECT_THAT(say(kHead), StartsWith("421 4.4.2 "));
  EXPECT_TRUE(world.stored().empty());
}

TEST_F(SubmitdTest, Socket_RootWithoutAnAccount_IsThePostmaster) {
  EXPECT_THAT(say("submit 1\nto root\n\n" + kMail, 0), HasSubstr("250 2.0.0 "));
  EXPECT_THAT(say("submit 1\nto root@example.org\n\n" + kMail, 0), StartsWith("550 5.1.1 "));
}

TEST_F(SubmitdTest, Rate_OfEachUser_RootAside) {
  settings->messages_per_minute = 2;
  Rates own;
  const SteadyTime now = world.loop.clock().steady();
  EXPECT_TRUE(own.take(7, 2, now) && own.take(7, 2, now));
  EXPECT_FALSE(own.take(7, 2, now));
  EXPECT_TRUE(own.take(8, 2, now));
  EXPECT_TRUE(own.take(7, 2, now + std::chrono::seconds(30)));
  EXPECT_FALSE(own.take(7, 2, now + std::chrono::seconds(31)));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(own.take(0, 2, now) && own.take(9, 0, now));
  for (unsigned uid = 100; uid < 1100; ++uid) own.take(uid, 2, now);
  own.take(7, 2, now + std::chrono::minutes(5));
  EXPECT_LE(own.remembered(), 2u);
  {
    const Rates::Place first(own, 5, 1);
    const Rates::Place second(own, 5, 1);
    EXPECT_TRUE(first);
    EXPECT_FALSE(second);
  }
  EXPECT_TRUE(Rates::Place(own, 5, 1));
}

TEST_F(SubmitdTest, Origin_HostItsParentOrTheFirstDomain) {
  const auto origin = [this](std::string host) { return world.loop.run(find_origin(*world.directory, std::move(host)))->text(); };
  EXPECT_EQ(origin("mx.example.org"), "example.org");
  EXPECT_EQ(origin("example.org"), "example.org");
  EXPECT_EQ(origin("mx.elsewhere.test"), "example.org");
  testing::MailWorld empty;
  EXPECT_EQ(empty.loop.run(find_origin(*empty.directory, "mx.elsewhere.test"))->text(), "mx.elsewhere.test");
}

TEST_F(SubmitdTest, Author_QuotedOrEncoded) {
  const auto address = *smtp::parse_address("ann@example.org");
  EXPECT_EQ(format_author("", address), "From: ann@example.org\r\n");
  EXPECT_EQ(format_author("Ann E", address), "From: Ann E <ann@example.org>\r\n");
  EXPECT_EQ(format_author("J\xc3\xb6rg", address), "From: =?UTF-8?B?SsO2cmc=?= <ann@example.org>\r\n");
  EXPECT_EQ(format_author("bad\xff", address), "From: ann@example.org\r\n");
  std::string name;
  for (int i = 0; i < 60; ++i) name += "\xe2\x82\xac";
  for (std::size_t at = 0, end = 0; (end = format_author(name, address).find("\r\n", at)) != std::string::npos; at = end + 2)
    EXPECT_LE(end - at, 78u);
}

TEST_F(SubmitdTest, Maildrop_TakesAndRemoves) {
  ASSERT_TRUE(make_maildrop(drop)) << make_maildrop(drop).error().text;
  struct stat info{};
  ASSERT_EQ(stat(drop.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 01730u);
  put("good", kHead + "\n" + kMail);
  put("tmp-unfinished", kHead);
  EXPECT_FALSE(take());
  const auto messages = world.stored();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].client, "uid " + std::to_string(getuid()) + " (ann)");
  EXPECT_EQ(messages[0].session, "drop-good");
  EXPECT_THAT(names(drop), ElementsAre("tmp-unfinished"));
}

TEST_F(SubmitdTest, Maildrop_HostileFilesGoAside_AndNothingWaits) {
  ASSERT_TRUE(make_maildrop(drop));
  std::ofstream(root + "/secret") << kHead + "\n" + kMail;
  fs::create_symlink(root + "/secret", drop + "/link");
  fs::create_hard_link(root + "/secret", drop + "/hardlink");
  ASSERT_EQ(mkfifo((drop + "/fifo").c_str(), 0600), 0);
  fs::create_directory(drop + "/directory");
  put("empty", "");
  put("garbage", std::string(5'000, '\xff'));
  put("half", kHead + "\n100\nSubject: x\r\n");
  put("behind", kHead + "\n" + kMail + "more");
  put("smuggle", kHead + "\n4\nx\n.\n0\n");
  put("huge", "");
  fs::resize_file(drop + "/huge", 1ULL << 40);
  EXPECT_FALSE(take());
  EXPECT_TRUE(world.stored().empty());
  EXPECT_TRUE(names(drop).empty());
  EXPECT_THAT(names(aside_of(drop)),
              UnorderedElementsAre("link", "hardlink", "fifo", "directory", "empty", "garbage", "half", "behind", "smuggle", "huge"));
}

TEST_F(SubmitdTest, Maildrop_RefusedRecipients_AreReportedToTheSender) {
  ASSERT_TRUE(make_maildrop(drop));
  put("both", "submit 1\nfrom bob\nto bob\nto nosuch\n\n" + kMail);
  put("none", "submit 1\nfrom bob\nto nosuch\n\n" + kMail);
  put("null", "submit 1\nfrom\nto nosuch\n\n" + kMail);
  EXPECT_FALSE(take());
  const auto messages = world.stored();
  ASSERT_EQ(messages.size(), 3u);
  std::size_t reports = 0;
  for (const auto& message : messages) {
    if (!message.reverse_path.is_null()) continue;
    ++reports;
    EXPECT_THAT(world.body_of(message), HasSubstr("nosuch"));
    EXPECT_THAT(world.body_of(message), HasSubstr("Subject: x"));
  }
  EXPECT_EQ(reports, 2u);
  EXPECT_TRUE(names(drop).empty());
}

TEST_F(SubmitdTest, Maildrop_TemporaryTrouble_LeavesTheFile) {
  ASSERT_TRUE(make_maildrop(drop));
  put("good", kHead + "\n" + kMail);
  world.blobs.fail_syncs(true);
  EXPECT_TRUE(take());
  EXPECT_THAT(names(drop), ElementsAre("good"));
  world.blobs.fail_syncs(false);
  EXPECT_FALSE(take());
  EXPECT_TRUE(names(drop).empty());
  EXPECT_EQ(world.stored().size(), 1u);
}

}  // namespace
}  // namespace godwit::submitd
