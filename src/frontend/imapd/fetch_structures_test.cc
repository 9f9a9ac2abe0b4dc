#include "frontend/imapd/fetch_structures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/imapd/fetch_fixture.h"

namespace godwit::imapd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FetchStructuresTest : public ::testing::Test, protected testing::FetchWorld {
 protected:
  FetchStructuresTest() {
    const std::string header = "Subject: x\r\nContent-Type: text/plain; name*=utf-8''a%20b\r\n\r\n";
    for (std::size_t i = 0; i < 40; ++i) add(header + std::string(i + 1, 'x') + "\r\n");
  }
  std::string checked(std::string_view items) {
    std::string text = fetch(items);
    EXPECT_TRUE(testing::ResponseReader(text).all()) << text.substr(0, 2'000);
    return text;
  }
  // As asking with another item does it, which goes another way.
  std::string one_by_one(std::string item) {
    std::string text = checked("(" + item + " RFC822.SIZE)");
    for (std::size_t at = text.find(" RFC822.SIZE "); at != std::string::npos; at = text.find(" RFC822.SIZE ", at)) {
      text.erase(at, text.find(')', at) - at);
    }
    return text;
  }
  void expunge(mailbox::Uid gone) {
    const std::vector<mailbox::UidRange> which(1, {gone, gone});
    ASSERT_TRUE(loop.run(mailboxes.expunge(kAccount, mailbox::kInbox, which, false)).has_value());
  }
};

TEST_F(FetchStructuresTest, Responses_AreThoseOfOneMessageAlone) {
  add("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r\n"
      "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nz\r\n--b--\r\n");
  for (const bool with_uid : {false, true}) {
    uid = with_uid;
    for (const bool rev2 : {false, true, false}) {  // how they are written depends on it
      dialect.rev2 = rev2;
      for (const char* item : {"BODYSTRUCTURE", "BODY"}) {
        const std::string text = checked(item);
        EXPECT_EQ(text, one_by_one(item));
        EXPECT_EQ(text, checked(item));
        EXPECT_EQ(text.contains("a%20b"), !rev2);
      }
    }
  }
  EXPECT_EQ(result.gone, 0u);
}

TEST_F(FetchStructuresTest, Expunged_AreCountedAndLeftOut) {
  checked("BODYSTRUCTURE");
  expunge(all[3].uid);
  EXPECT_THAT(checked("BODYSTRUCTURE"), Not(HasSubstr("* 4 FETCH")));
  EXPECT_EQ(result.gone, 1u);
  EXPECT_EQ(result.unreadable, 0u);
}

TEST_F(FetchStructuresTest, New_AreThere) {
  checked("BODYSTRUCTURE");
  add("Subject: new\r\n\r\n");
  EXPECT_THAT(checked("BODYSTRUCTURE"), HasSubstr("* 41 FETCH (BODYSTRUCTURE (\"text\" \"plain\""));
}

TEST_F(FetchStructuresTest, LargeOnes_AreThereToo) {
  std::string large = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 300; ++i) large += "--b\r\nContent-Type: text/html\r\n\r\nx\r\n";
  add(large + "--b--\r\n");
  for (int i = 0; i < 2; ++i) {
    const std::string text = checked("BODYSTRUCTURE");
    EXPECT_THAT(text, HasSubstr("* 41 FETCH (BODYSTRUCTURE ((\"text\" \"html\""));
    EXPECT_EQ(text, one_by_one("BODYSTRUCTURE"));
  }
}

TEST_F(FetchStructuresTest, Unreadable_IsToldAndTheRestIsThere) {
  add("Subject: damaged\r\n\r\n");
  const auto info = loop.run(mailboxes.messages(kAccount, mailbox::kInbox, {{all.back().uid, all.back().uid}})).value().at(0);
  blobs.damage_blob(loop.run(mailboxes.email(kAccount, info.email)).value().blob);
  for (int i = 0; i < 2; ++i) {
    const std::string text = checked("BODYSTRUCTURE");
    EXPECT_THAT(text, HasSubstr("* 40 FETCH"));
    EXPECT_THAT(text, Not(HasSubstr("* 41 FETCH")));
    EXPECT_EQ(result.unreadable, 1u);
  }
}

TEST_F(FetchStructuresTest, MailboxThatIsGone_IsAnError) {
  Fetching fetching{.mailboxes = mailboxes,
                    .blobs = blobs,
                    .out = out,
                    .account = kAccount,
                    .mailbox = 99,
                    .dialect = dialect,
                    .keywords = nullptr,
                    .newly_seen = {}};
  imap::FetchItem item;
  item.kind = imap::FetchItem::Kind::body_structure;
  const FetchPlan plan = make_fetch_plan({item}, {}, dialect);
  EXPECT_TRUE(is_for_fetch_structures(plan, all.size()));
  EXPECT_FALSE(is_for_fetch_structures(plan, 3));
  EXPECT_EQ(loop.run(fetch_structures(fetching, plan, all)).error().cause, Error::Cause::not_found);
}

}  // namespace
}  // namespace godwit::imapd
