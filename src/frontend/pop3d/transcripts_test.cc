// Plays every file of tests/transcripts/pop3/, one test case a file: pop3d_test --gtest_filter='*retr*'

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "frontend/pop3d/pop3_fixture.h"

namespace godwit::pop3d {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> transcripts() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(GODWIT_TESTDATA) / "../../../../tests/transcripts/pop3")) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

class Pop3Transcript : public ::testing::TestWithParam<fs::path> {};

TEST_P(Pop3Transcript, Plays) {
  testing::Pop3World world;
  const auto played = testing::run_transcript_file(GetParam().string(), world);
  EXPECT_TRUE(played.has_value()) << GetParam().filename() << ": " << (played ? "" : played.error().text);
}

INSTANTIATE_TEST_SUITE_P(Pop3, Pop3Transcript, ::testing::ValuesIn(transcripts()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace godwit::pop3d
