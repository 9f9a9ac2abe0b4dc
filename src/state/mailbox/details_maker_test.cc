#include "state/mailbox/details_maker.h"

#include "state/mailbox/mailbox_fixture.h"

namespace godwit::mailbox {
namespace {

using ::testing::ElementsAre;

constexpr std::uint8_t kAll = Details::kEnvelope | Details::kStructure | Details::kPreview | Details::kReferences;

std::string row_of(std::string_view message, std::size_t piece = SIZE_MAX) {
  DetailsMaker maker;
  while (!message.empty()) {
    maker.feed(message.substr(0, piece));
    message.remove_prefix(std::min(piece, message.size()));
  }
  return maker.finish();
}

const std::string kMixed =
    "Subject: x\r\nReferences: <1@a> <2@b>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\n\r\nHello\r\nyou\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntext\r\n--b--\r\n";

class DetailsMakerTest : public MailboxFixture {
 protected:
  // As they are worked out from the bytes that are kept.
  std::string row_from_disk(std::string body) {
    open_account();
    std::vector<NewMessage> one;
    one.push_back(new_message(std::move(body)));
    const Uid uid = append(kInbox, std::move(one)).value().uids.at(0);
    const EmailId email = messages(kInbox, {{uid, uid}}).at(0).email;
    EXPECT_TRUE(loop_.run(mailboxes_->details(kAnna, {email}, kAll)).value().at(0).has_value());
    const auto row = loop_.run(engine_.get(directory::partition_of(kAnna), Keyspace::mailbox, details_key(email))).value();
    return row ? row->value : "";
  }
};

TEST_F(DetailsMakerTest, Row_IsThatOfTheBytesOnDiskHoweverTheyAreCut) {
  for (const std::string& message : {kMixed, std::string("Subject: z\r\n\r\n"), std::string("no header"), std::string("\r\nbody only"),
                                     "Subject: long\r\n\r\n" + std::string(100'000, 'a')}) {
    const std::string row = row_of(message);
    EXPECT_FALSE(row.empty());
    EXPECT_EQ(row, row_from_disk(message));
    EXPECT_EQ(row, row_of(message, 1));
    EXPECT_EQ(row, row_of(message, 7));
  }
}

TEST_F(DetailsMakerTest, TooMuch_IsLeftForLater) {
  EXPECT_EQ(row_of("Subject: " + std::string(DetailsMaker::kMaxHeldBytes, 's') + "\r\n\r\nx"), "");
  std::string parts = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 5'000; ++i) parts += "--b\r\n\r\n\r\n";
  EXPECT_EQ(row_of(parts), "");
  // the text to be shown lies behind what is held
  EXPECT_EQ(row_of("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\n\r\n" + std::string(64 * 1024, 'i') +
                   "\r\n--b\r\n\r\nHello\r\n--b--\r\n"),
            "");
}

TEST_F(DetailsMakerTest, Appended_NoByteIsReadForThem) {
  open_account();
  std::vector<NewMessage> messages;
  for (int i = 0; i < 3; ++i) {
    messages.push_back(new_message(kMixed));
    if (i != 1) messages.back().email.details = row_of(kMixed);
  }
  const auto first = messages.front().email.blob;
  ASSERT_EQ(append(kInbox, std::move(messages)).value().uids.size(), 3u);
  EXPECT_EQ(rows(kAnna, Keyspace::mailbox, details_key(1).substr(0, 1)), 2u);
  const auto email = this->messages(kInbox, {{1, 1}}).at(0).email;
  blobs_.damage_blob(first);
  const auto got = loop_.run(mailboxes_->details(kAnna, {email}, kAll)).value();
  ASSERT_TRUE(got.at(0).has_value());
  EXPECT_EQ(got[0]->envelope.subject, "x");
  EXPECT_EQ(got[0]->preview, "Hello you");
  EXPECT_THAT(got[0]->references, ElementsAre("1@a", "2@b"));
  EXPECT_EQ(got[0]->structure.parts.size(), 4u);
}

TEST_F(DetailsMakerTest, ManyAppended_WithDetailsAsMuchAsFits) {
  open_account();
  std::vector<NewMessage> messages;
  for (int i = 0; i < 1'024; ++i) {
    messages.push_back(new_message("Subject: z\r\n\r\n"));
    messages.back().email.details = row_of("Subject: " + std::string(2'000, 's') + "\r\n\r\n");
  }
  ASSERT_EQ(append(kInbox, std::move(messages)).value().uids.size(), 1'024u);
  EXPECT_LT(rows(kAnna, Keyspace::mailbox, details_key(1).substr(0, 1)), 300u);
}

}  // namespace
}  // namespace godwit::mailbox
