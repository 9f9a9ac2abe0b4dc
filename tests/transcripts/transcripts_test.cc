// Plays every file of tests/transcripts/<protocol>/, one test case a file.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "testing/smtp_world.h"
#include "testing/transcript.h"
#include "testing/transcript_files.h"

namespace godwit::testing {
namespace {

namespace fs = std::filesystem;
using MakeWorld = std::function<std::unique_ptr<TranscriptWorld>()>;

class TranscriptTest : public ::testing::Test {
 public:
  TranscriptTest(std::string path, MakeWorld make) : path_(std::move(path)), make_(std::move(make)) {}

  void TestBody() override {
    const auto world = make_();
    const auto played = run_transcript_file(path_, *world);
    EXPECT_TRUE(played.has_value()) << path_ << ": " << (played ? "" : played.error().text);
  }

 private:
  std::string path_;
  MakeWorld make_;
};

std::size_t register_protocol(const std::string& protocol, const MakeWorld& make) {
  const auto files = transcript_files(fs::path(GODWIT_TRANSCRIPTS) / protocol);
  for (const auto& file : files) {
    ::testing::RegisterTest(protocol.c_str(), file.stem().c_str(), nullptr, nullptr, file.c_str(), 1,
                            [path = file.string(), make]() -> ::testing::Test* { return new TranscriptTest(path, make); });
  }
  return files.size();
}

}  // namespace
}  // namespace godwit::testing

int main(int argc, char** argv) {
  using namespace godwit::testing;
  ::testing::InitGoogleTest(&argc, argv);
  const std::size_t smtp = register_protocol("smtp", [] { return std::make_unique<SmtpWorld>(); });
  if (smtp == 0) {
    std::puts("no transcripts found");
    return 1;
  }
  return RUN_ALL_TESTS();
}
