#include "grammar/imap/command_fixture.h"
#include "grammar/imap/limits.h"

namespace godwit::imap {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;
using Kind = SearchKey::Kind;

SearchKey key(const std::string& text) { return parsed<Search>("SEARCH " + text).key; }

TEST(ImapSearch, Rfc9051_6_4_4_Examples) {
  const auto search = parsed<Search>("SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"");
  ASSERT_TRUE(search.options.has_value());
  EXPECT_TRUE(search.options->min && search.options->count);
  EXPECT_FALSE(search.options->max || search.options->all || search.options->save);
  ASSERT_EQ(search.key.kind, Kind::conjunction);
  ASSERT_THAT(search.key.keys, SizeIs(3));
  EXPECT_EQ(search.key.keys[0].kind, Kind::flagged);
  EXPECT_EQ(search.key.keys[1].kind, Kind::since);
  EXPECT_EQ(search.key.keys[1].date, 1994y / 2 / 1);
  EXPECT_EQ(search.key.keys[2].kind, Kind::negation);
  EXPECT_EQ(search.key.keys[2].keys.at(0).text, "Smith");
  const auto literal = parsed<Search>("SEARCH CHARSET UTF-8 TEXT {12}\r\n\xd0\xbc\xd0\xb0\xd1\x82\xd1\x8c!!!!");
  EXPECT_EQ(literal.charset, "UTF-8");
  EXPECT_EQ(literal.key.text.size(), 12u);
  EXPECT_FALSE(literal.options.has_value());
}

TEST(ImapSearch, EveryKey) {
  struct Case {
    std::string text;
    Kind kind;
  };
  const Case cases[] = {
      {"ALL", Kind::all},
      {"answered", Kind::answered},
      {"DELETED", Kind::deleted},
      {"DRAFT", Kind::draft},
      {"FLAGGED", Kind::flagged},
      {"RECENT", Kind::recent},
      {"SEEN", Kind::seen},
      {"NEW", Kind::fresh},
      {"OLD", Kind::old},
      {"UNANSWERED", Kind::unanswered},
      {"UNDELETED", Kind::undeleted},
      {"UNDRAFT", Kind::undraft},
      {"UNFLAGGED", Kind::unflagged},
      {"UNSEEN", Kind::unseen},
      {"SAVEDATESUPPORTED", Kind::save_date_supported},
      {"BCC x", Kind::bcc},
      {"BODY x", Kind::body},
      {"CC \"x y\"", Kind::cc},
      {"FROM x", Kind::from},
      {"SUBJECT {1}\r\nx", Kind::subject},
      {"TEXT \"\"", Kind::text},
      {"TO x", Kind::to},
      {"HEADER Message-ID <a@b>", Kind::header},
      {"KEYWORD $Label1", Kind::keyword},
      {"UNKEYWORD Junk", Kind::unkeyword},
      {"EMAILID M6d99ac3275bb4e", Kind::email_id},
      {"THREADID T64b478a75b7ea9", Kind::thread_id},
      {"BEFORE 1-Feb-1994", Kind::before},
      {"ON \"01-Feb-1994\"", Kind::on},
      {"SINCE 1-Feb-1994", Kind::since},
      {"SENTBEFORE 1-Feb-1994", Kind::sent_before},
      {"SENTON 1-Feb-1994", Kind::sent_on},
      {"SENTSINCE 1-Feb-1994", Kind::sent_since},
      {"SAVEDBEFORE 1-Feb-1994", Kind::saved_before},
      {"SAVEDON 1-Feb-1994", Kind::saved_on},
      {"SAVEDSINCE 1-Feb-1994", Kind::saved_since},
      {"LARGER 0", Kind::larger},
      {"SMALLER 9223372036854775807", Kind::smaller},
      {"OLDER 1", Kind::older},
      {"YOUNGER 259200", Kind::younger},
      {"MODSEQ 620162338", Kind::modseq},
      {"MODSEQ \"/flags/\\\\draft\" all 620162338", Kind::modseq},
      {"2,4:7", Kind::sequence},
      {"*", Kind::sequence},
      {"$", Kind::sequence},
      {"UID 1:*", Kind::uid},
      {"UID $", Kind::uid},
      {"NOT SEEN", Kind::negation},
      {"OR SEEN 1", Kind::disjunction},
      {"(SEEN DRAFT)", Kind::conjunction},
      {"(SEEN)", Kind::seen},
      {"((1))", Kind::sequence},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.text);
    EXPECT_EQ(key(each.text).kind, each.kind);
    const auto wrapped = key("OR " + each.text + " NOT (" + each.text + ")");
    ASSERT_THAT(wrapped.keys, SizeIs(2));
    EXPECT_EQ(wrapped.keys[0], key(each.text));
    EXPECT_EQ(wrapped.keys[1].keys.at(0), key(each.text));
  }
  EXPECT_EQ(key("HEADER \"X Y\" \"\"").field, "X Y");
  EXPECT_EQ(key("MODSEQ \"/flags/\\\\draft\" priv 5").field, "/flags/\\draft");
  EXPECT_EQ(key("MODSEQ \"/flags/\\\\draft\" priv 5").entry, EntryType::priv);
  EXPECT_EQ(key("MODSEQ 0").number, 0u);
}

TEST(ImapSearch, ReturnOptions) {
  EXPECT_TRUE(parsed<Search>("SEARCH RETURN () ALL").options->all);  // RFC 4731 3.1
  EXPECT_TRUE(parsed<Search>("UID SEARCH RETURN (SAVE) $").options->save);
  EXPECT_TRUE(parsed<Search>("UID SEARCH RETURN (SAVE) $").uid);
  const auto all = parsed<Search>("SEARCH return (min max all count save) CHARSET us-ascii UID 5");
  EXPECT_TRUE(all.options->min && all.options->max && all.options->all && all.options->count && all.options->save);
  EXPECT_EQ(all.charset, "US-ASCII");
  EXPECT_UNKNOWN("SEARCH RETURN (PARTIAL 1:2) ALL");
  EXPECT_UNKNOWN("SEARCH RETURN (FOO) ALL");
  EXPECT_UNKNOWN("SEARCH RETURN (ALL ) ALL");
  EXPECT_BAD("SEARCH RETURN ALL");
  EXPECT_BAD("SEARCH RETURN (ALL)");
}

TEST(ImapSearch, Charset_NotWithUtf8Accept) {
  EXPECT_EQ(refusal("SEARCH CHARSET UTF-8 ALL", {.utf8_accept = true}), "syntax");  // RFC 6855 3
  EXPECT_EQ(refusal("SEARCH CHARSET UTF-8 ALL", {.rev2 = true}), "");
  EXPECT_EQ(parsed<Search>("SEARCH SUBJECT \"ü\"", {.utf8_accept = true}).key.text, "ü");
  EXPECT_EQ(parsed<Search>("SEARCH CHARSET \"utf-8\" ALL").charset, "UTF-8");
}

TEST(ImapSearch, Wrong_Refused) {
  for (const std::string text : {"",
                                 " ",
                                 "ALL ",
                                 " ALL",
                                 "ALL  SEEN",
                                 "FOO",
                                 "FROM",
                                 "FROM ",
                                 "HEADER x",
                                 "NOT",
                                 "OR SEEN",
                                 "OR SEEN ",
                                 "()",
                                 "(SEEN",
                                 "SEEN)",
                                 "(SEEN )",
                                 "( SEEN)",
                                 "1:",
                                 "0",
                                 "UID",
                                 "UID x",
                                 "SINCE",
                                 "SINCE yesterday",
                                 "SINCE 30-Feb-2020",
                                 "SINCE \"1-Feb-1994",
                                 "LARGER x",
                                 "LARGER -1",
                                 "LARGER 9223372036854775808",
                                 "OLDER 0",
                                 "OLDER 4294967296",
                                 "KEYWORD \\Seen",
                                 "KEYWORD \"a\"",
                                 "MODSEQ",
                                 "MODSEQ x",
                                 "MODSEQ \"/flags/x\" 5",
                                 "MODSEQ \"/foo/x\" all 5",
                                 "MODSEQ \"/flags/x\" both 5",
                                 "EMAILID a.b",
                                 "EMAILID (a)",
                                 "CHARSET UTF-8",
                                 "CHARSET UTF-8 ",
                                 "CHARSET",
                                 "FROM \xc3\xbc",
                                 "SEEN,DRAFT"}) {
    EXPECT_NE(refusal("SEARCH " + text), "") << text;
  }
  EXPECT_BAD("SEARCH");
}

TEST(ImapSearch, DepthAndNumber_Bounded) {
  const auto nested = [](std::size_t depth) {
    std::string text = "SEARCH ";
    for (std::size_t i = 0; i < depth; ++i) text += "OR SEEN ";
    return text + "1";
  };
  EXPECT_EQ(refusal(nested(kMaxSearchDepth - 1)), "");
  EXPECT_EQ(refusal(nested(kMaxSearchDepth)), "limit");
  EXPECT_EQ(refusal("SEARCH " + std::string(100'000, '(')), "limit");
  std::string nots = "SEARCH ";
  for (int i = 0; i < 10'000; ++i) nots += "NOT ";
  EXPECT_EQ(refusal(nots + "SEEN"), "limit");
  std::string many = "SEARCH SEEN";
  for (std::size_t i = 1; i < kMaxSearchKeys; ++i) many += " SEEN";
  EXPECT_EQ(refusal(many), "");
  EXPECT_EQ(refusal(many + " SEEN"), "limit");
}

TEST(ImapSort, Rfc5256_3_Examples) {
  const auto sort = parsed<Sort>("SORT (REVERSE DATE SUBJECT) UTF-8 SINCE 1-Feb-1994");
  ASSERT_THAT(sort.criteria, SizeIs(2));
  EXPECT_EQ(sort.criteria[0].key, SortCriterion::Key::date);
  EXPECT_TRUE(sort.criteria[0].reverse);
  EXPECT_EQ(sort.criteria[1].key, SortCriterion::Key::subject);
  EXPECT_FALSE(sort.criteria[1].reverse);
  EXPECT_EQ(sort.charset, "UTF-8");
  EXPECT_EQ(parsed<Sort>("UID SORT (SUBJECT) US-ASCII TEXT \"not in mailbox\"").key.text, "not in mailbox");
  const auto esort = parsed<Sort>("UID SORT RETURN (COUNT ALL) (DATE) UTF-8 UNDELETED UNKEYWORD $Junk");  // RFC 5267 3.2
  EXPECT_TRUE(esort.options->count && esort.options->all);
  EXPECT_EQ(parsed<Sort>("SORT (arrival cc date displayfrom displayto from size subject to) utf-8 all").criteria.back().key,
            SortCriterion::Key::to);
  for (const std::string text : {"SORT", "SORT DATE UTF-8 ALL", "SORT () UTF-8 ALL", "SORT (DATE) ALL", "SORT (REVERSE) UTF-8 ALL",
                                 "SORT (DATE UTF-8 ALL", "SORT (DATE) UTF-8", "SORT (RELEVANCY) UTF-8 ALL", "SORT (DATE) (x) ALL"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
}

TEST(ImapThread, Rfc5256_3_Examples) {
  const auto thread = parsed<Thread>("THREAD ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000");
  EXPECT_EQ(thread.algorithm, Thread::Algorithm::ordered_subject);
  EXPECT_EQ(thread.key.kind, Kind::since);
  EXPECT_EQ(parsed<Thread>("UID THREAD references US-ASCII TEXT \"gewp\"").algorithm, Thread::Algorithm::references);
  EXPECT_UNKNOWN("THREAD REFS UTF-8 ALL");
  EXPECT_BAD("THREAD REFERENCES UTF-8");
  EXPECT_BAD("THREAD REFERENCES");
  EXPECT_UNKNOWN("THREAD RETURN (ALL) REFERENCES UTF-8 ALL");
}

}  // namespace
}  // namespace godwit::imap
