#include "frontend/imapd/heading.h"

#include <gtest/gtest.h>

namespace godwit::imapd {
namespace {

using mailbox::Details;
using mailbox::MessageInfo;

const MessageInfo kInfo{.uid = 7, .email = 70, .size = 700, .received = WallTime(std::chrono::milliseconds(86'400'500))};

class HeadingTest : public ::testing::Test {
 protected:
  Heading heading(const Details* details) {
    record_ = derive_heading().make(kInfo, details);
    return read_heading(record_);
  }
  static Details of_subject(std::string subject) {
    Details details;
    details.envelope.subject = std::move(subject);
    return details;
  }
  std::string record_;
};

TEST_F(HeadingTest, AllThatIsAskedFor_IsInTheRecord) {
  Details details;
  details.envelope.date = "Tue, 3 Jan 1970 23:30:00 -0200";
  details.envelope.subject = "Re: =?utf-8?q?=C3=A4?=pfel";
  details.envelope.message_id = "<One@Test>";
  details.references = {"a@b", "c@d", "a@b"};
  const Heading got = heading(&details);
  EXPECT_TRUE(got.readable);
  EXPECT_FALSE(got.cut);
  EXPECT_EQ(got.email, 70u);
  EXPECT_EQ(got.size, 700u);
  EXPECT_EQ(got.received, 86'400'500);
  EXPECT_EQ(got.sent, 3 * 86'400 + 3'600 + 1'800);
  EXPECT_EQ(got.sent_day, 2);  // where it was written
  EXPECT_EQ(got.subject, "RE: A\u0308PFEL");
  EXPECT_EQ(got.base_subject, "A\u0308PFEL");
  EXPECT_EQ(got.base_subject_number, number_of(got.base_subject));
  EXPECT_TRUE(got.reply_or_forward);
  EXPECT_EQ(got.message_id, "<ONE@TEST>");
  EXPECT_EQ(got.message_number, number_of("One@Test"));
  ASSERT_EQ(got.reference_count(), 3u);
  EXPECT_EQ(got.reference_at(0), number_of("a@b"));
  EXPECT_EQ(got.reference_at(1), number_of("c@d"));
  EXPECT_EQ(got.reference_at(2), got.reference_at(0));
}

TEST_F(HeadingTest, NothingThere_AndUnreadable_AreTold) {
  const Details empty;
  for (const Details* details : {&empty, static_cast<const Details*>(nullptr)}) {
    const Heading got = heading(details);
    EXPECT_EQ(got.readable, details != nullptr);
    EXPECT_EQ(got.sent, 86'400);
    EXPECT_FALSE(got.sent_day || got.subject || got.message_id);
    EXPECT_EQ(got.base_subject, "");
    EXPECT_EQ(got.base_subject_number, 0u);
    EXPECT_EQ(got.message_number, 0u);
    EXPECT_EQ(got.reference_count(), 0u);
  }
}

TEST_F(HeadingTest, BaseSubjects_OfAllForms) {
  struct Case {
    std::string subject;
    std::string_view base;
    bool reply;
  };
  for (const Case& each : {Case{"", "", false}, Case{"Re:", "", true}, Case{"a (fwd)", "A", true}, Case{"[fwd: Plan]", "PLAN", true},
                           Case{"Re: a  \t b", "A B", true}, Case{"x", "X", false}}) {
    const Details details = of_subject(each.subject);
    const Heading got = heading(&details);
    EXPECT_EQ(got.base_subject, each.base) << each.subject;
    EXPECT_EQ(got.reply_or_forward, each.reply) << each.subject;
    EXPECT_EQ(got.base_subject_number == 0, each.base.empty()) << each.subject;
  }
}

TEST_F(HeadingTest, LongTexts_AreCutAndKeepTheirBeginningForSort) {
  const Details details = of_subject(std::string(5'000, 'x'));
  const Heading got = heading(&details);
  EXPECT_TRUE(got.cut);
  EXPECT_EQ(got.subject, "");
  EXPECT_EQ(got.base_subject, std::string(kMaxSortText, 'X'));
  EXPECT_EQ(got.base_subject_number, number_of(std::string(kMaxThreadSubject, 'X')));
  EXPECT_LT(record_.size(), 500u);
}

TEST_F(HeadingTest, ManyReferences_AreCut) {
  Details details;
  details.references.assign(1'000, "a@b");
  EXPECT_TRUE(heading(&details).cut);
  EXPECT_EQ(heading(&details).reference_count(), 0u);
}

}  // namespace
}  // namespace godwit::imapd
