#include "edge/store/reserve_fs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace godwit::store {
namespace {

class Recording final : public rocksdb::FileSystemWrapper {
 public:
  Recording() : FileSystemWrapper(make_posix_file_system()) {}
  const char* Name() const override { return "Recording"; }
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
    deleted.push_back(std::filesystem::path(path).filename());
    return FileSystemWrapper::DeleteFile(path, options, debug);
  }
  std::vector<std::string> deleted;
};

TEST(ReserveFileSystem, OldLogs_GoOldestFirst_SoThatNoCutLeavesAGap) {
  const std::filesystem::path directory = std::filesystem::path(testing::TempDir()) / "reserve_fs_test";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  for (const char* name : {"000009.log", "000010.log", "000012.log", "000015.log", "000011.sst"}) std::ofstream(directory / name) << name;
  const auto below = std::make_shared<Recording>();
  const auto files = make_reserve_file_system(below, std::make_shared<SpaceWait>(nullptr));
  const auto remove = [&](const char* name) { return files->DeleteFile((directory / name).string(), rocksdb::IOOptions(), nullptr); };
  EXPECT_TRUE(remove("000012.log").ok());
  EXPECT_THAT(below->deleted, testing::ElementsAre("000009.log", "000010.log", "000012.log"));
  EXPECT_TRUE(remove("000010.log").ok()) << "gone already";
  EXPECT_TRUE(remove("000011.sst").ok());
  EXPECT_TRUE(std::filesystem::exists(directory / "000015.log"));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace godwit::store
