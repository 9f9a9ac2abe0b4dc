// Plays every file of tests/transcripts/outbound/, one test case a file: Godwit as the client of servers in trouble.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "outbound_world.h"
#include "testing/transcript_files.h"

namespace godwit::testing {
namespace {

namespace fs = std::filesystem;

class OutboundTranscript : public ::testing::Test {
 public:
  explicit OutboundTranscript(fs::path path) : path_(std::move(path)) {}
  void TestBody() override {
    std::stringstream text;
    text << std::ifstream(path_).rdbuf();
    const auto steps = parse_transcript(text.str());
    ASSERT_TRUE(steps) << path_ << ": " << steps.error().text;
    OutboundWorld world;
    const auto played = world.play(*steps);
    EXPECT_TRUE(played.has_value()) << path_ << ": " << (played ? "" : played.error().text);
  }

 private:
  fs::path path_;
};

}  // namespace
}  // namespace godwit::testing

int main(int argc, char** argv) {
  using godwit::testing::OutboundTranscript;
  ::testing::InitGoogleTest(&argc, argv);
  const auto files = godwit::testing::transcript_files(std::filesystem::path(GODWIT_TRANSCRIPTS) / "outbound");
  for (const auto& file : files)
    ::testing::RegisterTest("outbound", file.stem().c_str(), nullptr, nullptr, file.c_str(), 1,
                            [file]() -> ::testing::Test* { return new OutboundTranscript(file); });
  if (files.empty()) {
    std::puts("no transcripts found");
    return 1;
  }
  return RUN_ALL_TESTS();
}
