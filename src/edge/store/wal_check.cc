#include "edge/store/wal_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "base/log.h"

namespace godwit::store {
namespace {

constexpr std::size_t kMostDamages = 1'000;  // a report stays readable

std::optional<std::uint64_t> log_number(const std::string& name) {
  if (!name.ends_with(".log")) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = name.data() + name.size() - 4;
  const auto parsed = std::from_chars(name.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Reads file after file and keeps what the verdict needs.
class Check {
 public:
  // An open database knows how far its log is synced; the marks in it say so only with the next group.
  Check(Disk& disk, std::optional<WalMark> until) : disk_(disk), until_(until) {
    if (until_) report_.mark = *until_;
  }

  Result<void> read(const WalName& name) {
    auto opened = WalReader::open(disk_, name.path, static_cast<std::uint32_t>(name.number));
    if (!opened && until_ && opened.error().cause == Error::Cause::not_found) return {};  // RocksDB needs it no more
    GODWIT_ASSIGN(auto reader, std::move(opened));
    sizes_.push_back({name, 0});
    fresh_file_ = true;
    for (;;) {
      GODWIT_ASSIGN(auto piece, reader.next());
      sizes_.back().second = reader.position();
      if (!piece || (until_ && name.number == until_->log && piece->begin >= until_->offset)) return {};
      if (piece->kind == WalPiece::Kind::record)
        note_record(name, *piece);
      else
        note_damage(name, *piece);
    }
  }

  WalReport report() {
    for (auto& damage : damages_) {
      const bool acknowledged = damage.log < report_.mark.log || (damage.log == report_.mark.log && damage.begin < report_.mark.offset);
      (acknowledged ? report_.acknowledged : report_.torn).push_back(std::move(damage));
    }
    // Older files were synced to their end: where they do not join, RocksDB has deleted what lay between and was not needed.
    for (auto& gap : gaps_) {
      if (gap.log >= report_.mark.log) report_.torn.push_back(std::move(gap));
    }
    std::ranges::sort(report_.torn, {}, [](const WalDamage& damage) { return std::pair(damage.log, damage.begin); });
    for (const auto& [name, size] : sizes_) {
      if (name.number != report_.mark.log || size >= report_.mark.offset) continue;
      report_.acknowledged.push_back(
          {name.number, file_name(name.path), size, report_.mark.offset, "the file ends before what was synced", 0, 0});
    }
    return std::move(report_);
  }

 private:
  void note_record(const WalName& name, const WalPiece& piece) {
    ++report_.records;
    if (const auto mark = mark_of(piece.payload)) report_.mark = std::max(report_.mark, *mark);
    const auto span = span_of(piece.payload);
    if (!span) return;
    note_gap(name, *span);
    for (; waiting_ > 0; --waiting_) damages_[damages_.size() - waiting_].sequence_after = span->first;
    if (span->count > 0) sequence_ = span->first + span->count - 1;
    expected_ = span->first + span->count;
  }

  // A file may end early without a trace, when a cut took the growth of its size, while the next file is there.
  void note_gap(const WalName& name, const WalSpan& span) {
    const bool gap = std::exchange(fresh_file_, false) && expected_ > 0 && span.first > expected_ && waiting_ == 0;
    if (!gap || sizes_.size() < 2 || damages_.size() == kMostDamages) return;
    const auto& [before, size] = sizes_[sizes_.size() - 2];
    gaps_.push_back({before.number, file_name(before.path), size, size, "the changes up to " + file_name(name.path) + " are missing",
                     sequence_, span.first});
  }

  void note_damage(const WalName& name, WalPiece& piece) {
    if (damages_.size() == kMostDamages) return;
    damages_.push_back({name.number, file_name(name.path), piece.begin, piece.end, std::move(piece.what), sequence_, 0});
    ++waiting_;
  }

  Disk& disk_;
  std::optional<WalMark> until_;
  WalReport report_;
  std::vector<WalDamage> damages_;
  std::size_t waiting_ = 0;  // damages at the end of the list that wait for the next record
  std::vector<WalDamage> gaps_;
  std::uint64_t sequence_ = 0;
  std::uint64_t expected_ = 0;  // first sequence number of the next record
  bool fresh_file_ = false;
  std::vector<std::pair<WalName, std::uint64_t>> sizes_;
};

// A mark speaks of positions that repair moves: a salvaged file carries none.
void neutralise_mark(std::string& payload) {
  const auto mark = mark_of(payload);
  if (!mark) return;
  const std::string none = WalMark{0, 0, mark->sequence}.encode();
  payload.replace(payload.find(none.substr(0, 4)), none.size(), none);
}

Result<void> copy_file(Disk& disk, const std::string& from, const std::string& to) {
  GODWIT_ASSIGN(auto in, disk.open(from, Disk::Open::read));
  GODWIT_ASSIGN(auto out, disk.open(to, Disk::Open::create_or_open));
  std::string piece(1 << 20, '\0');
  for (std::uint64_t offset = 0;;) {
    GODWIT_ASSIGN(const std::size_t got, in->read_at(offset, std::span(piece.data(), piece.size())));
    if (got == 0) return out->sync_data();
    GODWIT_TRY(out->write_at(offset, std::string_view(piece).substr(0, got)));
    offset += got;
  }
}

Result<void> write_salvaged(Disk& disk, const WalName& name, const std::string& to) {
  GODWIT_ASSIGN(auto reader, WalReader::open(disk, name.path, static_cast<std::uint32_t>(name.number)));
  GODWIT_ASSIGN(auto out, disk.open(to, Disk::Open::create_or_open));
  GODWIT_TRY(out->truncate(0));
  WalWriter writer;
  for (std::uint64_t offset = 0;;) {
    GODWIT_ASSIGN(auto piece, reader.next());
    if (!piece) return out->sync_data();
    if (piece->kind == WalPiece::Kind::damage) continue;
    neutralise_mark(piece->payload);
    writer.add(piece->payload);
    const std::string bytes = writer.take();
    GODWIT_TRY(out->write_at(offset, bytes));
    offset += bytes.size();
  }
}

}  // namespace

std::string WalDamage::text() const { return fmt::format("{} at {}: {}", file, begin, what); }

Result<std::vector<WalName>> list_wal(Disk& disk, const std::string& directory) {
  GODWIT_ASSIGN(const auto names, disk.list(directory));
  std::vector<WalName> logs;
  for (const auto& name : names) {
    if (const auto number = log_number(name)) logs.push_back({*number, directory + "/" + name});
  }
  std::ranges::sort(logs, {}, &WalName::number);
  return logs;
}

Result<WalReport> check_wal(Disk& disk, const std::string& directory, std::optional<WalMark> until) {
  GODWIT_ASSIGN(const auto logs, list_wal(disk, directory));
  Check check(disk, until);
  for (const auto& name : logs) {
    if (until && name.number > until->log) break;
    GODWIT_TRY(check.read(name));
  }
  return check.report();
}

Result<bool> lacks_current(Disk& disk, const std::string& directory, const WalReport& report) {
  GODWIT_ASSIGN(const bool current, disk.exists(directory + "/CURRENT"));
  if (current) return false;
  GODWIT_ASSIGN(const auto names, disk.list(directory));
  return report.records > 0 || std::ranges::any_of(names, [](const auto& name) { return name.ends_with(".sst"); });
}

Result<void> cut_torn_tail(Disk& disk, const std::string& directory, const WalReport& report) {
  if (report.torn.empty()) return {};
  const WalDamage& first = report.torn.front();
  GODWIT_ASSIGN(const auto logs, list_wal(disk, directory));
  // From the end, so that a power cut meanwhile leaves a log without a gap.
  for (auto log = logs.rbegin(); log != logs.rend() && log->number > first.log; ++log) GODWIT_TRY(disk.remove(log->path));
  GODWIT_TRY(disk.sync_directory(directory));
  GODWIT_ASSIGN(auto file, disk.open(directory + "/" + first.file, Disk::Open::write_existing));
  GODWIT_TRY(file->truncate(first.begin));
  GODWIT_TRY(file->sync_data());
  log::warning("torn tail of the log cut off", {{"file", first.file}, {"offset", first.begin}, {"what", first.what}});
  return {};
}

Result<void> salvage_wal(Disk& disk, const std::string& directory, const WalReport& report) {
  if (report.acknowledged.empty()) return {};
  const std::string keep_in = directory + "/damaged";
  GODWIT_TRY(disk.make_directories(keep_in));
  GODWIT_ASSIGN(const auto logs, list_wal(disk, directory));
  const std::uint64_t first = std::ranges::min(report.acknowledged, {}, &WalDamage::log).log;
  for (const auto& name : logs) {
    if (name.number < first) continue;
    GODWIT_TRY(copy_file(disk, name.path, keep_in + "/" + file_name(name.path)));
    GODWIT_TRY(disk.sync_directory(keep_in));
    const std::string fresh = name.path + ".salvaged";
    GODWIT_TRY(write_salvaged(disk, name, fresh));
    GODWIT_TRY(disk.rename(fresh, name.path));  // in one step: cut off before it, repair finds what it found
  }
  return disk.sync_directory(directory);
}

}  // namespace godwit::store
