#include "frontend/imapd/search_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/imapd/search_terms.h"
#include "grammar/imap/command.h"

namespace godwit::imapd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

WallTime at(std::string_view text) { return WallTime(imap::parse_date_time(text).value().time); }

// Five messages: UIDs 10, 11, 20, 30, 31.
class SearchPlanTest : public ::testing::Test {
 protected:
  SearchPlanTest() {
    for (const std::uint32_t uid : {10, 11, 20, 30, 31}) view_.add(uid);
    recent_.add(mailbox::UidRange{30, 31});
    keywords_.add("$Junk");
    keywords_.add("work");
  }

  Result<SearchPlan> plan(const std::string& keys, std::string_view charset = "") {
    auto command = imap::parse_command("a SEARCH " + keys);
    EXPECT_TRUE(command.has_value()) << keys;
    const SearchPlan::Known known{view_, keywords_, &recent_, now_, &saved_};
    return SearchPlan::make(std::get<imap::Search>(command->request).key, charset, known);
  }
  // What rows alone say.
  Verdict judge(const std::string& keys, const mailbox::MessageInfo& info) {
    const auto made = plan(keys);
    return made->judge([&](std::size_t term) {
      const Term& asked = made->terms()[term];
      if (asked.need > Need::info) return Verdict::unknown;
      return test_row(asked, info) ? Verdict::yes : Verdict::no;
    });
  }
  std::vector<mailbox::Uid> uids(const std::string& keys) {
    std::vector<mailbox::Uid> out;
    for (const std::uint32_t uid : {10u, 11u, 20u, 30u, 31u}) {
      mailbox::MessageInfo info;
      info.uid = uid;
      if (judge(keys, info) == Verdict::yes) out.push_back(uid);
    }
    return out;
  }
  bool received(const std::string& key, std::string_view when) {
    mailbox::MessageInfo info;
    info.received = info.saved = at(when);
    return judge(key, info) == Verdict::yes;
  }

  mailbox::UidSet view_;
  mailbox::Keywords keywords_;
  mailbox::UidSet recent_;
  WallTime now_ = at("22-Nov-2026 12:00:00 +0000");
  imap::NumberSet saved_ = imap::NumberSet::of({{11, 20}});
};

TEST_F(SearchPlanTest, Sets_OfNumbersAndUids_AreResolvedAgainstTheView) {
  EXPECT_THAT(uids("1:2"), ElementsAre(10, 11));
  EXPECT_THAT(uids("2,4"), ElementsAre(11, 30));
  EXPECT_THAT(uids("4:2"), ElementsAre(11, 20, 30));
  EXPECT_THAT(uids("*"), ElementsAre(31));
  EXPECT_THAT(uids("*:3"), ElementsAre(20, 30, 31));
  EXPECT_THAT(uids("UID *"), ElementsAre(31));
  EXPECT_THAT(uids("UID 20"), ElementsAre(20));
  EXPECT_THAT(uids("UID 12:19"), IsEmpty());
  EXPECT_THAT(uids("UID 3291:*"), ElementsAre(31));  // RFC 9051 9
  EXPECT_THAT(uids("UID 1:4294967295"), ElementsAre(10, 11, 20, 30, 31));
  EXPECT_THAT(uids("NOT 2,4"), ElementsAre(10, 20, 31));
  EXPECT_THAT(uids("OR 1 UID 20"), ElementsAre(10, 20));
  EXPECT_THAT(uids("1:3 NOT UID 11"), ElementsAre(10, 20));
  EXPECT_THAT(uids("1000"), IsEmpty());
  EXPECT_THAT(uids("4:1000"), ElementsAre(30, 31));
  EXPECT_THAT(uids("1000:2000"), IsEmpty());
}

TEST_F(SearchPlanTest, SavedResult_IsUidsInBothForms) {  // RFC 5182 2.1
  EXPECT_THAT(uids("$"), ElementsAre(11, 20));
  EXPECT_THAT(uids("UID $"), ElementsAre(11, 20));
  EXPECT_THAT(uids("OR $ 5"), ElementsAre(11, 20, 31));
  saved_ = {};
  EXPECT_THAT(uids("$"), IsEmpty());
  EXPECT_THAT(uids("NOT $"), ElementsAre(10, 11, 20, 30, 31));
}

TEST_F(SearchPlanTest, EmptyMailbox_HasNothing) {
  view_ = {};
  saved_ = {};
  for (const char* keys : {"*", "1:*", "UID *", "UID 1:*", "1", "$"}) EXPECT_TRUE(plan(keys)->scope(view_).empty()) << keys;
}

TEST_F(SearchPlanTest, Recent_BeginsWithTheSessionsFirst) {  // RFC 3501 6.4.4
  EXPECT_THAT(uids("RECENT"), ElementsAre(30, 31));
  EXPECT_THAT(uids("OLD"), ElementsAre(10, 11, 20));
  EXPECT_THAT(uids("NEW"), ElementsAre(30, 31));
  recent_ = {};
  EXPECT_THAT(uids("RECENT"), IsEmpty());
}

TEST_F(SearchPlanTest, Flags_EachAndItsOpposite) {
  const std::pair<std::string, std::uint8_t> cases[] = {{"SEEN", mailbox::kSeen},
                                                        {"ANSWERED", mailbox::kAnswered},
                                                        {"FLAGGED", mailbox::kFlagged},
                                                        {"DELETED", mailbox::kDeleted},
                                                        {"DRAFT", mailbox::kDraft}};
  for (const auto& [key, flag] : cases) {
    SCOPED_TRACE(key);
    mailbox::MessageInfo with, without;
    with.flags = flag;
    without.flags = static_cast<std::uint8_t>(~flag);
    EXPECT_EQ(judge(key, with), Verdict::yes);
    EXPECT_EQ(judge(key, without), Verdict::no);
    EXPECT_EQ(judge("UN" + key, with), Verdict::no);
    EXPECT_EQ(judge("UN" + key, without), Verdict::yes);
    EXPECT_EQ(judge("NOT UN" + key, with), Verdict::yes);
  }
  mailbox::MessageInfo fresh;
  fresh.uid = 30;
  EXPECT_EQ(judge("NEW", fresh), Verdict::yes);
  fresh.flags = mailbox::kSeen;
  EXPECT_EQ(judge("NEW", fresh), Verdict::no);
}

TEST_F(SearchPlanTest, Keywords_GoByTheirNumberWhateverTheirCase) {
  mailbox::MessageInfo info;
  info.keywords = {1};
  EXPECT_EQ(judge("KEYWORD WORK", info), Verdict::yes);
  EXPECT_EQ(judge("UNKEYWORD work", info), Verdict::no);
  EXPECT_EQ(judge("KEYWORD $junk", info), Verdict::no);
  EXPECT_EQ(judge("KEYWORD nobody", info), Verdict::no);
  EXPECT_EQ(judge("UNKEYWORD nobody", info), Verdict::yes);
}

TEST_F(SearchPlanTest, Dates_AreWholeDaysOfUtc) {  // RFC 9051 6.4.4: disregarding time and timezone
  EXPECT_TRUE(received("ON 1-Feb-1994", " 1-Feb-1994 00:00:00 +0000"));
  EXPECT_TRUE(received("ON 1-Feb-1994", " 1-Feb-1994 23:59:59 +0000"));
  EXPECT_FALSE(received("ON 1-Feb-1994", " 2-Feb-1994 00:00:00 +0000"));
  EXPECT_FALSE(received("ON 1-Feb-1994", "31-Jan-1994 23:59:59 +0000"));
  EXPECT_TRUE(received("BEFORE 1-Feb-1994", "31-Jan-1994 23:59:59 +0000"));
  EXPECT_FALSE(received("BEFORE 1-Feb-1994", " 1-Feb-1994 00:00:00 +0000"));
  EXPECT_TRUE(received("SINCE 1-Feb-1994", " 1-Feb-1994 00:00:00 +0000"));
  EXPECT_FALSE(received("SINCE 1-Feb-1994", "31-Jan-1994 23:59:59 +0000"));
  EXPECT_FALSE(received("ON 1-Feb-1994", " 1-Feb-1994 01:00:00 +0200"));
  EXPECT_TRUE(received("BEFORE 1-Jan-9999", "31-Dec-1969 23:59:59 +0000"));
  EXPECT_TRUE(received("ON 31-Dec-1969", "31-Dec-1969 23:59:59 +0000"));
  EXPECT_TRUE(received("SAVEDON 1-Feb-1994", " 1-Feb-1994 12:00:00 +0000"));  // RFC 8514 4.3
  EXPECT_FALSE(received("SAVEDBEFORE 1-Feb-1994", " 1-Feb-1994 12:00:00 +0000"));
  EXPECT_TRUE(received("SAVEDSINCE 1-Feb-1994", " 1-Feb-1994 12:00:00 +0000"));
  EXPECT_TRUE(received("SAVEDATESUPPORTED", " 1-Feb-1994 12:00:00 +0000"));
}

TEST_F(SearchPlanTest, Saved_WithoutASaveDate_IsTheInternalDate) {  // RFC 8514 4.3
  mailbox::MessageInfo info;
  info.received = at(" 1-Feb-1994 12:00:00 +0000");
  EXPECT_EQ(judge("SAVEDON 1-Feb-1994", info), Verdict::yes);
}

TEST_F(SearchPlanTest, Within_IsExactToTheSecond) {  // RFC 5032 2
  now_ += std::chrono::milliseconds(700);
  EXPECT_TRUE(received("OLDER 3600", "22-Nov-2026 11:00:00 +0000"));
  EXPECT_TRUE(received("YOUNGER 3600", "22-Nov-2026 11:00:00 +0000"));
  EXPECT_FALSE(received("OLDER 3600", "22-Nov-2026 11:00:01 +0000"));
  EXPECT_FALSE(received("YOUNGER 3600", "22-Nov-2026 10:59:59 +0000"));
  EXPECT_TRUE(received("OLDER 3600", "22-Nov-2026 10:59:59 +0000"));
  EXPECT_TRUE(received("YOUNGER 4294967295", " 1-Jan-1994 10:59:59 +0000"));
}

TEST_F(SearchPlanTest, Sizes_AreBeyondTheNumber) {
  mailbox::MessageInfo info;
  info.size = 1000;
  EXPECT_EQ(judge("LARGER 999", info), Verdict::yes);
  EXPECT_EQ(judge("LARGER 1000", info), Verdict::no);
  EXPECT_EQ(judge("SMALLER 1001", info), Verdict::yes);
  EXPECT_EQ(judge("SMALLER 1000", info), Verdict::no);
  EXPECT_EQ(judge("SMALLER 0", info), Verdict::no);
  EXPECT_EQ(judge("LARGER 9223372036854775807", info), Verdict::no);
}

TEST_F(SearchPlanTest, Modseq_IsFromThereOnWhateverTheEntry) {  // RFC 7162 3.1.5
  mailbox::MessageInfo info;
  info.modseq = 620162338;
  EXPECT_EQ(judge(R"(MODSEQ "/flags/\\draft" all 620162338)", info), Verdict::yes);
  EXPECT_EQ(judge("MODSEQ 620162339", info), Verdict::no);
  EXPECT_TRUE(plan("OR NOT MODSEQ 720162338 LARGER 50000")->used_modseq());
  EXPECT_FALSE(plan("LARGER 50000")->used_modseq());
}

TEST_F(SearchPlanTest, ObjectIds_OnlyOursAreFound) {  // RFC 8474
  mailbox::MessageInfo info;
  info.email = 4711;
  EXPECT_EQ(judge("EMAILID M4711", info), Verdict::yes);
  for (const char* other : {"M471", "T4711", "m4711", "M04711", "M", "4711", "M4711x", "M99999999999999999999"}) {
    EXPECT_EQ(judge(std::string("EMAILID ") + other, info), Verdict::no) << other;
  }
  EXPECT_EQ(parse_object_id('T', "T1"), 1u);
  EXPECT_EQ(plan("THREADID T4711")->need(), Need::email);
}

TEST_F(SearchPlanTest, Charsets_BecomeUtf8AndUnknownOnesFail) {  // RFC 9051 6.4.4
  const auto russian = plan("SUBJECT {6}\r\n\xcf\xd4\xd0\xd5\xd3\xcb", "KOI8-R");
  ASSERT_TRUE(russian.has_value());
  EXPECT_EQ(russian->terms()[0].needle, message::Needle("отпуск"));
  EXPECT_TRUE(plan("ALL", "US-ASCII").has_value());
  EXPECT_TRUE(plan("ALL", "UTF-8").has_value());
  const auto unknown = plan("ALL", "X-KLINGON");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().cause, Error::Cause::unsupported);
}

TEST_F(SearchPlanTest, Needs_AreAskedFromCheapToDear) {
  const auto made = plan("BODY x HEADER X-Y z FROM a SEEN UID 10:20 THREADID T5");
  EXPECT_EQ(made->need(), Need::body);
  std::vector<Need> asked;
  made->judge([&](std::size_t term) {
    asked.push_back(made->terms()[term].need);
    return Verdict::yes;
  });
  EXPECT_THAT(asked, ElementsAre(Need::uid, Need::info, Need::email, Need::envelope, Need::header, Need::body));
  asked.clear();
  made->judge([&](std::size_t term) {
    asked.push_back(made->terms()[term].need);
    return asked.size() == 2 ? Verdict::no : Verdict::yes;
  });
  EXPECT_THAT(asked, ElementsAre(Need::uid, Need::info));
}

TEST_F(SearchPlanTest, OpenTerms_AreThoseThatStillMatter) {
  const auto made = plan("OR (SEEN BODY x) OR (UNSEEN BODY y) BODY z");
  mailbox::MessageInfo seen;
  seen.flags = mailbox::kSeen;
  const auto ask = [&](std::size_t term) {
    const Term& asked = made->terms()[term];
    if (asked.need > Need::info) return Verdict::unknown;
    return test_row(asked, seen) ? Verdict::yes : Verdict::no;
  };
  std::vector<message::Needle> needles;
  for (const auto term : made->open_terms(ask)) needles.push_back(made->terms()[term].needle);
  EXPECT_THAT(needles, ::testing::UnorderedElementsAre(message::Needle("x"), message::Needle("z")));
}

TEST_F(SearchPlanTest, Constants_AreFoldedAway) {
  EXPECT_EQ(plan("ALL")->need(), Need::uid);
  EXPECT_EQ(plan("OR ALL BODY x")->need(), Need::uid);
  EXPECT_EQ(plan("KEYWORD nobody BODY x")->need(), Need::uid);
  EXPECT_EQ(plan("BODY \"\"")->need(), Need::uid);
  EXPECT_EQ(plan("TEXT \"\"")->need(), Need::uid);
  EXPECT_EQ(plan("NOT NOT (ALL (ALL SEEN))")->need(), Need::info);
  EXPECT_TRUE(plan("NOT ALL")->scope(view_).empty());
}

TEST_F(SearchPlanTest, HeaderFields_ThatTheEnvelopeHasWhole_AreTakenFromThere) {
  EXPECT_EQ(plan("HEADER Message-ID <a@b>")->need(), Need::envelope);
  EXPECT_EQ(plan("HEADER subject x")->need(), Need::envelope);
  EXPECT_EQ(plan("HEADER In-Reply-To x")->need(), Need::envelope);
  EXPECT_EQ(plan("HEADER Message-ID \"\"")->need(), Need::header);
  EXPECT_EQ(plan("HEADER From x")->need(), Need::header);
  EXPECT_EQ(plan("HEADER List-Id x")->need(), Need::header);
}

TEST_F(SearchPlanTest, Scope_IsWhatSetsAtTheTopLeaveOver) {
  using R = mailbox::UidRange;
  EXPECT_THAT(plan("UID 11:20 SEEN")->scope(view_), ElementsAre(R{11, 11}, R{20, 20}));
  EXPECT_THAT(plan("2:4 (UID 20:99 TEXT x)")->scope(view_), ElementsAre(R{20, 20}, R{30, 30}));
  EXPECT_THAT(plan("OR 1 SEEN")->scope(view_), ElementsAre(R{10, 11}, R{20, 20}, R{30, 31}));
  EXPECT_THAT(plan("NOT 1 SEEN")->scope(view_), ElementsAre(R{10, 11}, R{20, 20}, R{30, 31}));
}

TEST_F(SearchPlanTest, Nesting_AsDeepAsTheGrammarAllows) {
  std::string deep;
  for (int i = 0; i < 60; ++i) deep += "OR UID " + std::to_string(i + 100) + " ";
  EXPECT_EQ(plan(deep + "FLAGGED")->need(), Need::info);
  std::string nots;
  for (int i = 0; i < 100; ++i) nots += "NOT ";
  EXPECT_THAT(uids(nots + "1"), ElementsAre(10));
}

}  // namespace
}  // namespace godwit::imapd
