// Plays every file of tests/transcripts/imap/, one test case a file: imapd_test --gtest_filter='*retr*'

#include <gtest/gtest.h>

#include "frontend/imapd/imap_fixture.h"
#include "testing/transcript_files.h"

namespace godwit::imapd {
namespace {

constexpr std::string_view kFolder = GODWIT_TESTDATA "/../../../../tests/transcripts/imap";

class ImapTranscript : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(ImapTranscript, Plays) {
  testing::ImapWorld world;
  const auto played = testing::run_transcript_file(GetParam().string(), world);
  EXPECT_TRUE(played.has_value()) << GetParam().filename() << ": " << (played ? "" : played.error().text);
}

INSTANTIATE_TEST_SUITE_P(Imap, ImapTranscript, ::testing::ValuesIn(testing::transcript_files(kFolder)),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace godwit::imapd
