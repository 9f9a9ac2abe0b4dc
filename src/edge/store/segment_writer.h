#pragma once
// Appends records to segments: a place is given at once in the caller's thread, one thread writes what has gathered and syncs
// it as a group. Internal to the segment store.
//
// place() may be called from any thread and holds a mutex for a few hundred nanoseconds; the bytes themselves are never
// copied (a group refers to the bodies and writes them with pwritev). A group is whatever came while the one before was being
// synced, up to 4 MiB, and a little more where many write (group_pace.h). Positions follow the order of the calls, so that "everything
// before X is synced" is one number.

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/task.h"
#include "edge/store/group_pace.h"
#include "edge/store/segment_files.h"
#include "edge/store/segment_format.h"

namespace godwit::store {

struct NewRecord {
  RecordType type = RecordType::whole;
  BlobId blob;  // !valid(): named after its own place
  std::uint64_t owner = 0;
  Location body;  // chunk: {0, 0} = it is the first one
  std::uint32_t ordinal = 0;
  std::shared_ptr<const std::string> payload;
};

struct Placed {
  Location where;
  std::uint64_t group = 0;  // what synced() waits for
  SegmentRef segment;       // its `writers` was raised: the caller lowers it when it no longer needs the pin
};

class SegmentWriter {
 public:
  // Begins with segment `first`, whose file is made when the first record comes.
  SegmentWriter(SegmentFiles& files, std::uint32_t first);
  ~SegmentWriter();  // writes and syncs what was placed

  // `full` when there is no room for another segment, `io` after a fatal failure. record.payload is never null.
  Result<Placed> place(NewRecord record);
  // Waits while more than settings.queue_bytes are placed and not yet synced.
  Task<Result<void>> room();
  // Waits until the groups first..last are synced; fails if one of them could not be written.
  Task<Result<void>> synced(std::uint64_t first, std::uint64_t last);
  // Waits until what lies at `where` has been written, if it is still on its way.
  Task<> settled(Location where);
  // Waits until everything placed so far is synced (or has failed).
  Task<> drained();

  // The segment for which a file would be needed next: what maintain() prepares when space comes back.
  std::uint32_t wanted() const;
  std::uint32_t active() const;
  std::vector<IndexEntry> active_index(SegmentRef& segment) const;
  std::uint64_t groups() const { return groups_done_.load(std::memory_order_relaxed); }

 private:
  struct Piece {
    std::size_t begin = 0;  // in the run's arena
    std::size_t end = 0;
    std::shared_ptr<const std::string> body;  // follows the arena's part; may be null
  };
  // Bytes that lie one behind the other in one segment.
  struct Run {
    SegmentRef segment;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::string arena;
    std::vector<Piece> pieces;
    bool seals = false;  // the last run of its segment
    std::vector<IndexEntry> index;
    std::vector<Span> spans;
  };
  struct Group {
    std::uint64_t number = 0;
    std::vector<Run> runs;
    std::size_t mark_run = 0;  // the mark is the first record of this run, filled in when the group is written
    std::uint64_t bytes = 0;
    std::size_t records = 0;  // beside the mark
  };
  struct Active {
    SegmentRef segment;
    std::uint32_t offset = kFirstRecord;
    std::vector<IndexEntry> index;
    std::vector<Span> spans;
  };
  struct OpenFile {
    SegmentRef segment;
    std::shared_ptr<File> file;
  };
  using Waiter = Resume<bool>;

  // all under mutex_
  Result<void> reserve(std::uint64_t bytes, bool record);
  bool fits(std::uint64_t bytes) const;
  void open_group(Group& group);
  Run& begin_run(Group& group);
  void roll(Group& group);
  void put(Run& run, const RecordHeader& header, std::shared_ptr<const std::string> payload);
  Result<void> outcome(std::uint64_t first, std::uint64_t last) const;
  void finish(const Group& group, const Result<Location>& done, std::vector<Waiter>& resume);
  void add_idle_mark();

  // the thread's own
  void serve();
  void work_off(Group group);
  Result<Location> commit(Group& group);
  Result<void> write_run(Run& run, Location synced, bool with_mark);
  Result<void> write_pieces(Run& run, File& file, Location synced, bool with_mark);
  Result<void> write_seal(Run& run, File& file, std::uint32_t end);
  Result<void> seal_run(Run& run);
  Result<std::shared_ptr<File>> file_for(Run& run);
  Result<void> sync_files();
  void finish_seals(std::vector<Run>& runs);
  void die(const Error& error);

  SegmentFiles& files_;
  const SegmentSettings& settings_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  Active active_;
  std::deque<Group> groups_;  // the last one is still open
  std::uint64_t next_group_ = 1;
  std::uint64_t done_group_ = 0;  // synced or failed, with all before it
  std::set<std::uint64_t> failed_groups_;
  std::uint64_t queued_bytes_ = 0;
  std::map<std::uint64_t, std::vector<Waiter>> waiters_;  // by group
  std::deque<Waiter> room_waiters_;
  std::vector<SegmentRef> refused_;  // with bodies that found no room and whose writers are still there: synced_ waits for them
  Location synced_;                  // everything before it
  bool mark_due_ = true;             // synced_ has moved since the last mark
  bool stopping_ = false;
  std::atomic<bool> dead_{false};
  std::atomic<std::uint64_t> settled_{0};  // the position behind the last finished group, packed
  std::atomic<std::uint64_t> groups_done_{0};

  GroupPace pace_;              // the thread's
  std::vector<OpenFile> open_;  // the thread's: files of the segments it is writing
  std::thread thread_;
};

}  // namespace godwit::store
