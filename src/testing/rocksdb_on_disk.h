#pragma once
// RocksDB's files on a store::Disk, so that the forgetful disk can lie under a real engine.
//
//   auto disk = std::make_shared<ForgetfulDisk>(seed);
//   settings.disk = disk;
//   settings.file_system = make_rocksdb_on_disk(disk);

#include <functional>
#include <memory>

#include "edge/store/disk.h"

namespace rocksdb {
class FileSystem;
}

namespace godwit::testing {

// Debian's RocksDB has its asserts compiled in and dies of an error that is followed by another operation on the file. So
// once `power_is_off()` (ForgetfulDisk::is_cut) changing operations report success: the program is a ghost by then, and a test
// believes none of its answers.
std::shared_ptr<rocksdb::FileSystem> make_rocksdb_on_disk(std::shared_ptr<store::Disk> disk, std::function<bool()> power_is_off = {});

}  // namespace godwit::testing
