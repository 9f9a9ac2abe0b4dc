// Plays every file of tests/transcripts/imap/, one test case a file: imapd_test --gtest_filter='*retr*'

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "frontend/imapd/imap_fixture.h"

namespace godwit::imapd {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> transcripts() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(GODWIT_TESTDATA) / "../../../../tests/transcripts/imap")) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

class ImapTranscript : public ::testing::TestWithParam<fs::path> {};

TEST_P(ImapTranscript, Plays) {
  testing::ImapWorld world;
  const auto played = testing::run_transcript_file(GetParam().string(), world);
  EXPECT_TRUE(played.has_value()) << GetParam().filename() << ": " << (played ? "" : played.error().text);
}

INSTANTIATE_TEST_SUITE_P(Imap, ImapTranscript, ::testing::ValuesIn(transcripts()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace godwit::imapd
