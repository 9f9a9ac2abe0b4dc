#include "check/dmarc/record.h"

#include <gtest/gtest.h>

namespace godwit::dmarc {
namespace {

Record read(std::string_view text) { return parse_record(text).value(); }

TEST(Record, Complete_IsRead) {
  const Record record = read(
      "v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=s; psd=n; t=y; fo=1:d:s; pct=30; ri=3600; "
      "rua=mailto:a@example.org!10m, https://r.example/x ; ruf=mailto:f%2Bg@example.org?subject=x; x=y");
  EXPECT_EQ(record.policy, Policy::reject);
  EXPECT_EQ(record.subdomain_policy, Policy::quarantine);
  EXPECT_EQ(record.nonexistent_policy, Policy::none);
  EXPECT_EQ(record.dkim, Alignment::strict);
  EXPECT_EQ(record.spf, Alignment::strict);
  EXPECT_EQ(record.public_suffix, PublicSuffix::no);
  EXPECT_TRUE(record.testing);
  EXPECT_EQ(record.failure, (FailureOptions{false, true, true, true}));
  EXPECT_EQ(record.percent, 30u);
  EXPECT_EQ(record.interval, 3600u);
  ASSERT_EQ(record.aggregate_reports.size(), 2u);
  EXPECT_EQ(record.aggregate_reports[0], (ReportUri{"mailto:a@example.org", "a@example.org", 10u << 20}));
  EXPECT_EQ(record.aggregate_reports[1].mailbox, "");
  EXPECT_EQ(record.failure_reports[0].mailbox, "f+g@example.org");
  EXPECT_TRUE(record.faults.empty());
  EXPECT_FALSE(record.faulty_policy);
}

TEST(Record, Version_IsFirstAndToTheLetter) {
  // RFC 9989 4.7, v=
  for (const std::string_view text : {"v=DMARC1", "v=DMARC1;", "v = DMARC1 ; p=none", "V=DMARC1;p=none"})
    EXPECT_TRUE(is_dmarc_record(text)) << text;
  for (const std::string_view text : {"", ";", "v=DMARC", "v=dmarc1; p=none", "v=DMARC12; p=none", "p=none; v=DMARC1", " v=DMARC1",
                                      "v=spf1 -all", "v=DMARC1 p=none", "=DMARC1", "v==DMARC1"})
    EXPECT_FALSE(is_dmarc_record(text)) << text;
  EXPECT_FALSE(parse_record("v=spf1 -all"));
  EXPECT_EQ(parse_record("v=DMARC1; p=none;" + std::string(kMaxRecord, ' ')).error().cause, Error::Cause::limit);
}

TEST(Record, Nonsense_GivesDefaults) {
  // RFC 9989 4.8: "Syntax errors in the remainder of the record MUST be discarded in favor of default values"
  const Record record =
      read("v=DMARC1;;p = REJECT;adkim=x;aspf=;psd=q;t=1;fo=0:1;rua=,mailto:,mailto:@x,a@b,mailto:a b@c,ftp:;garbage;=;p=none;\x01=1");
  EXPECT_EQ(record.policy, Policy::reject);
  EXPECT_EQ(record.dkim, Alignment::relaxed);
  EXPECT_EQ(record.public_suffix, PublicSuffix::unknown);
  EXPECT_FALSE(record.testing);
  EXPECT_EQ(record.failure, FailureOptions{});
  EXPECT_TRUE(record.aggregate_reports.empty());
  EXPECT_GT(record.faults.size(), 10u);
  EXPECT_LE(record.faults.size(), 20u);
}

TEST(Record, PolicyMissingOrWrong_IsMarked) {
  EXPECT_TRUE(read("v=DMARC1").faulty_policy);
  EXPECT_TRUE(read("v=DMARC1; p=block").faulty_policy);
  EXPECT_TRUE(read("v=DMARC1; p=none; sp=block").faulty_policy);
  EXPECT_TRUE(read("v=DMARC1; p=none; np=").faulty_policy);
  EXPECT_FALSE(read("v=DMARC1; rua=mailto:a@b.c; p=none").faulty_policy);
}

TEST(Record, ManyUris_AreBounded) {
  std::string text = "v=DMARC1; p=none; rua=mailto:a@b.c";
  for (int i = 0; i < 50; ++i) text += ",mailto:a@b.c";
  EXPECT_EQ(read(text).aggregate_reports.size(), kMaxUris);
}

TEST(Record, FailureOptions_InAnyOrder) {
  EXPECT_EQ(read("v=DMARC1; fo=d : s").failure, (FailureOptions{false, false, true, true}));
  EXPECT_EQ(read("v=DMARC1; fo=s:0").failure, (FailureOptions{true, false, false, true}));
  EXPECT_EQ(read("v=DMARC1; fo=d:d").failure, FailureOptions{});
  EXPECT_EQ(read("v=DMARC1; fo=").failure, FailureOptions{});
}

}  // namespace
}  // namespace godwit::dmarc
