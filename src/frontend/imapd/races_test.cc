// What one session hears when another changes the mailbox in the middle of its command: tried at each of the command's reads.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/imapd/model/connection_fixture.h"

namespace godwit::imapd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A session in which the next command stops at each of its reads.
class Scene {
 public:
  Scene() : connection_(std::make_unique<model::Connection>(server_)) {
    say("a LOGIN " + model::Logins::the().name(0) + ' ' + model::Logins::kPassword);
    for (int i = 0; i < 3; ++i) say("b APPEND INBOX {14+}\r\nSubject: x\r\n\r\n");
    say("c ENABLE QRESYNC");
  }
  ~Scene() {
    connection_.reset();
    server_.run_free();
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  std::string say(const std::string& command) {
    ignore(heard(), "of before");
    send(command);
    server_.run_free();
    return heard();
  }
  // `meanwhile` happens after `reads` of the command's reads; a NOOP follows. Nothing: it has not as many.
  std::optional<std::string> say_meanwhile(const std::string& command, std::size_t reads, Task<> meanwhile) {
    ignore(heard(), "of before");
    server_.engine().set_gates(1);
    send(command);
    server_.loop().poll();
    for (; reads > 0 && server_.engine().waiting() > 0; --reads) {
      server_.engine().open(0);
      server_.loop().poll();
    }
    if (server_.engine().waiting() == 0) return std::nullopt;
    server_.engine().set_gates(0);
    server_.loop().start(std::move(meanwhile));
    server_.loop().poll();
    server_.run_free();
    send("z NOOP");
    server_.run_free();
    return heard();
  }

  // The other way round: what the server says while `other` stands at one of its reads or writes. Nothing: it has not as many.
  std::optional<std::string> say_within(Task<> other, std::size_t steps, const std::string& command) {
    ignore(heard(), "of before");
    server_.engine().set_gates(1);
    server_.loop().start(std::move(other));
    server_.loop().poll();
    for (; steps > 0 && server_.engine().waiting() > 0; --steps) {
      server_.engine().open(0);
      server_.loop().poll();
    }
    if (server_.engine().waiting() == 0) return std::nullopt;
    server_.engine().set_gates(0);
    send(command);
    server_.loop().poll();
    auto out = heard();
    server_.run_free();
    return out;
  }

  Task<> expunge_2() {
    const std::vector<mailbox::UidRange> second(1, {2, 2});
    const auto gone = co_await server_.mailboxes().expunge(model::Logins::the().id(0), mailbox::kInbox, second, false);
    EXPECT_EQ(gone.value().size(), 1u);
  }
  Task<> set_keyword_of_2() { return set_keyword({2, 2}); }
  Task<> set_keyword(mailbox::UidRange which) {
    const std::vector<mailbox::UidRange> range(1, which);
    mailbox::FlagChange change{mailbox::FlagChange::How::add, 0, {"fresh"}};
    const auto account = model::Logins::the().id(0);
    const auto done = co_await server_.mailboxes().change_flags(account, mailbox::kInbox, range, std::move(change), std::nullopt);
    changed_ = done.value().messages.at(0).modseq;
  }
  mailbox::Modseq changed() const { return changed_; }

 private:
  void send(const std::string& command) { connection_->send(command + "\r\n"); }
  std::string heard() {
    std::string out;
    while (const auto response = connection_->take()) out += *response + "\r\n";
    return out;
  }

  testing::SeededRandom random_{1};
  model::Server server_{random_};
  std::unique_ptr<model::Connection> connection_;
  mailbox::Modseq changed_ = 0;
};

std::vector<std::string> lines_of(std::string text) {
  std::vector<std::string> out;
  while (auto line = model::take_response(text)) out.push_back(*std::move(line));
  return out;
}

constexpr std::size_t kMostReads = 100;

TEST(Races, MessageExpungedWhileItIsFetched_IsGoneNotDamaged) {
  std::size_t reads = 0;
  for (; reads < kMostReads; ++reads) {
    Scene scene;
    scene.say("d SELECT INBOX");
    const auto heard = scene.say_meanwhile("e UID FETCH 1:* (BODY.PEEK[])", reads, scene.expunge_2());
    if (!heard) break;
    EXPECT_THAT(*heard, Not(HasSubstr("SERVERBUG"))) << "after " << reads << " reads";
    EXPECT_THAT(*heard, HasSubstr("* VANISHED 2\r\n")) << "after " << reads << " reads";
  }
  EXPECT_GT(reads, 3u);
}

// RFC 7162 3.2.10: EARLIER is for messages that have no number any more.
TEST(Races, MessageExpungedWhileQresyncOpens_VanishesOnce) {
  std::size_t reads = 0;
  for (; reads < kMostReads; ++reads) {
    Scene scene;
    scene.say("d STORE 1 +FLAGS (\\Seen)");
    const auto opened = scene.say("e SELECT INBOX");
    const auto validity = opened.substr(opened.find("UIDVALIDITY ") + 12, 10);
    scene.say("f UNSELECT");
    const auto heard = scene.say_meanwhile("g SELECT INBOX (QRESYNC (" + validity + " 9))", reads, scene.expunge_2());
    if (!heard) break;
    const bool numbered = heard->contains("* 3 EXISTS\r\n");
    EXPECT_EQ(heard->contains("* VANISHED (EARLIER) 2\r\n"), !numbered) << "after " << reads << " reads: " << *heard;
    EXPECT_EQ(heard->contains("* VANISHED 2\r\n"), numbered) << "after " << reads << " reads: " << *heard;
  }
  EXPECT_GT(reads, 3u);
}

// Whoever tells the modseq of a change tells the change.
TEST(Races, NewKeywordWhileFlagsAreFetched_IsToldWithItsModseq) {
  for (const char* command :
       {"e UID FETCH 1:* (FLAGS MODSEQ)", "e UID FETCH 1:* (FLAGS BODY.PEEK[] MODSEQ)", "e SELECT INBOX (QRESYNC (%V 1))"}) {
    std::size_t reads = 0;
    for (; reads < kMostReads; ++reads) {
      Scene scene;
      const auto opened = scene.say("d SELECT INBOX");
      std::string text = command;
      if (const auto at = text.find("%V"); at != std::string::npos)
        text.replace(at, 2, opened.substr(opened.find("UIDVALIDITY ") + 12, 10));
      const auto heard = scene.say_meanwhile(text, reads, scene.set_keyword_of_2());
      if (!heard) break;
      const std::string modseq = "MODSEQ (" + std::to_string(scene.changed()) + ')';
      for (const auto& line : lines_of(*heard))
        if (line.contains(modseq)) EXPECT_THAT(line, HasSubstr("fresh")) << command << " after " << reads << " reads";
      EXPECT_THAT(*heard, HasSubstr(modseq)) << command << " after " << reads << " reads: " << *heard;
    }
    EXPECT_GT(reads, 2u) << command;
  }
}

// RFC 7162 3.2: a change that was told of stands for all before it, whatever becomes of the connection.
TEST(Races, ChangesTogether_AreToldTogether) {
  std::size_t steps = 0;
  std::size_t seen = 0;
  for (; steps < kMostReads; ++steps) {
    Scene scene;
    scene.say("d SELECT INBOX");
    const auto heard = scene.say_within(scene.set_keyword({1, 2}), steps, "e UID FETCH 2 (FLAGS)");
    if (!heard) break;
    const bool second = heard->contains("MODSEQ (11)");
    seen += second ? 1 : 0;
    EXPECT_EQ(heard->contains("MODSEQ (10)"), second) << "after " << steps << " steps: " << *heard;
  }
  EXPECT_GT(steps, 1u);
  EXPECT_GT(seen, 0u);
}

}  // namespace
}  // namespace godwit::imapd
