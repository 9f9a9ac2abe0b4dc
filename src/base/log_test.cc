#include "base/log.h"

#include <gtest/gtest.h>

#include "base/metrics.h"

namespace godwit {
namespace {

TEST(Log, Logfmt_QuotesWhatNeedsIt) {
  EXPECT_EQ(log::render(log::Format::logfmt, "accepted", {{"msg", "01abc"}, {"size", std::size_t{42}}, {"tls", true}, {"delta", -3}}),
            "event=accepted msg=01abc size=42 tls=true delta=-3");
  EXPECT_EQ(log::render(log::Format::logfmt, "x", {{"text", "a b\"c\n"}, {"empty", ""}}), "event=x text=\"a b\\\"c\\u000a\" empty=\"\"");
}

TEST(Log, Json_EscapesWhatTheRemoteSaid) {
  EXPECT_EQ(log::render(log::Format::json, "x", {{"text", std::string("a\"\\\0b", 5)}, {"n", 7u}}),
            R"({"event":"x","text":"a\"\\\u0000b","n":7})");
}

TEST(Metrics, SameNameAndLabels_AreOneCounter) {
  auto& one = metrics::counter("godwit_test_total", "A test.", {{"kind", "a"}});
  auto& two = metrics::counter("godwit_test_total", "A test.", {{"kind", "a"}});
  EXPECT_EQ(&one, &two);
  one.add(3);
  metrics::gauge("godwit_test_open", "Open things.").set(-2);
  const std::string text = metrics::expose();
  EXPECT_NE(text.find("godwit_test_total{kind=\"a\"} 3"), std::string::npos) << text;
  EXPECT_NE(text.find("godwit_test_open -2"), std::string::npos) << text;
}

}  // namespace
}  // namespace godwit
