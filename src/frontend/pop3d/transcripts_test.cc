// Plays every file of tests/transcripts/pop3/, one test case a file: pop3d_test --gtest_filter='*retr*'

#include <gtest/gtest.h>

#include "frontend/pop3d/pop3_fixture.h"
#include "testing/transcript_files.h"

namespace godwit::pop3d {
namespace {

constexpr std::string_view kFolder = GODWIT_TESTDATA "/../../../../tests/transcripts/pop3";

class Pop3Transcript : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Pop3Transcript, Plays) {
  testing::Pop3World world;
  const auto played = testing::run_transcript_file(GetParam().string(), world);
  EXPECT_TRUE(played.has_value()) << GetParam().filename() << ": " << (played ? "" : played.error().text);
}

INSTANTIATE_TEST_SUITE_P(Pop3, Pop3Transcript, ::testing::ValuesIn(testing::transcript_files(kFolder)),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace godwit::pop3d
