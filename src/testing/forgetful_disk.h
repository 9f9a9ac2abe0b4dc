#pragma once
// A disk in memory that forgets: after cut() and restart() any subset of the 4 KiB pages that were not synced is there,
// not just a prefix, and names (creation, rename, removal) hold only as far as sync_directory() went, or a random piece further.
//
//   ForgetfulDisk disk(seed);
//   disk.fail_at(17, ForgetfulDisk::Failure::cut);   // the 17th changing operation from now on is the last one
//   ... run the program on it until it notices ...
//   disk.restart();                                  // old files are dead; open them anew
//
// Thread-safe, since real engines use threads. Deterministic for a seed when one thread at a time uses it. A changing operation:
// write, sync, allocate, truncate, creation, rename, removal, sync_directory. What a lost page held is what it held at the last
// sync (zeroes if nothing); a page is kept or lost as a whole. Names of one directory are lost from the end (a journal keeps
// their order); directories themselves are durable at once.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "edge/store/disk.h"

namespace godwit::testing {

class ForgetfulDisk final : public store::Disk {
 public:
  static constexpr std::size_t kPage = 4096;

  enum class Failure : std::uint8_t {
    cut,       // the power goes: the operation may have happened in part; everything after it fails
    io_error,  // this operation alone fails; what a failed sync should have kept is not kept by a later one either (as Linux)
    full,      // this operation alone fails as if there were no space
  };
  struct Counters {
    std::uint64_t reads = 0;
    std::uint64_t read_bytes = 0;
    std::uint64_t writes = 0;
    std::uint64_t written_bytes = 0;
    std::uint64_t syncs = 0;
    std::uint64_t directory_syncs = 0;
    std::uint64_t changes = 0;  // all changing operations, failed ones included
  };

  explicit ForgetfulDisk(std::uint64_t seed);
  ~ForgetfulDisk() override;

  Result<std::unique_ptr<store::File>> open(const std::string& path, Open how) override;
  Result<void> make_directories(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Result<bool> is_directory(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;  // replaces `to`
  Result<void> remove(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

  // The n-th changing operation from now (1 = the next) fails so. 0 = none.
  void fail_at(std::uint64_t n, Failure failure);
  // The power goes now.
  void cut();
  bool is_cut() const;
  // After a cut: decides what is left, and works again. Without a cut before it, cuts first.
  void restart();

  // ENOSPC once the sizes of all files together would pass `bytes`.
  void set_budget(std::uint64_t bytes);
  // Flips one bit for good, in memory and on the disk. GODWIT_CHECKs that it lies inside the file.
  void flip_bit(const std::string& path, std::uint64_t offset, unsigned bit = 0);
  // What the program would read now; and how many pages of it are not synced.
  std::string contents(const std::string& path) const;
  std::size_t unsynced_pages(const std::string& path) const;
  // Called before each sync_data(), without any lock held: a test can hold a sync up here.
  void set_before_sync(std::function<void(const std::string& path)> hook);
  Counters counters() const;

 private:
  friend class ForgetfulFile;
  struct Inode {
    std::string data;
    std::uint64_t synced_size = 0;
    std::map<std::uint64_t, std::string> unsynced;  // page number -> what it held at the last sync
    std::set<std::uint64_t> given_up;               // pages of a failed sync: clean for the kernel, never written
    bool directory = false;
  };
  using Entries = std::map<std::string, std::shared_ptr<Inode>>;
  struct NameChange {
    std::string from;  // removed, unless empty
    std::string to;    // now names `inode`, unless empty
    std::shared_ptr<Inode> inode;
  };

  Result<void> change(bool& half_done);  // counts; fails if it is this one's turn
  Result<void> alive(std::uint64_t generation) const;
  Result<void> resize(Inode& inode, std::uint64_t bytes);
  Result<void> write(Inode& inode, std::uint64_t offset, std::string_view bytes);
  static void touch(Inode& inode, std::uint64_t offset, std::uint64_t length);
  static void sync(Inode& inode);
  void name(NameChange change);
  static void apply(Entries& entries, const NameChange& change);
  void forget_pages(Inode& inode);
  std::uint64_t used() const;
  bool toss() { return (random_() & 1) != 0; }

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  Entries entries_;                                                // as the program sees them
  Entries synced_entries_;                                         // as they were at the last sync_directory
  std::map<std::string, std::vector<NameChange>> unsynced_names_;  // by directory
  std::uint64_t generation_ = 1;
  bool cut_ = false;
  std::uint64_t fail_in_ = 0;
  Failure failure_ = Failure::cut;
  std::uint64_t budget_;
  std::function<void(const std::string&)> before_sync_;
  Counters counters_;
};

}  // namespace godwit::testing
