#include "state/trace/segment_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/log.h"

namespace godwit::trace {
namespace {

constexpr std::string_view kPrefix = "trace-";
constexpr std::string_view kSuffix = ".seg";
constexpr int kAgeSteps = 14;  // a segment spans at most this part of the time that stories are kept
constexpr std::size_t kStoriesAWrite = 1'000;

std::optional<std::uint32_t> number_of(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number, 16);
  if (name.size() != 8 || error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string SegmentSet::path_of(std::uint32_t number) const {
  return (settings_.directory / fmt::format("{}{:08x}{}", kPrefix, number, kSuffix)).string();
}

Result<std::unique_ptr<SegmentSet>> SegmentSet::open(const Settings& settings, store::Disk& disk) {
  std::unique_ptr<SegmentSet> set(new SegmentSet(settings, disk));
  GODWIT_TRY(disk.make_directories(settings.directory.string()));
  GODWIT_TRY(set->load());
  return set;
}

Result<void> SegmentSet::load() {
  GODWIT_ASSIGN(const std::vector<std::string> names, disk_.list(settings_.directory.string()));
  for (const std::string& name : names) {
    const auto number = number_of(name);
    if (!number) continue;
    next_number_ = std::max(next_number_, *number + 1);
    auto segment = SegmentFile::open(disk_, path_of(*number), *number);
    if (segment)
      segments_.push_back(*std::move(segment));
    else
      log::warning("trace segment passed over", {{"error", segment.error().text}});
  }
  std::ranges::sort(segments_, {}, &SegmentFile::number);
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i)
    if (!segments_[i]->sealed()) GODWIT_TRY(segments_[i]->seal());
  remove_old();
  return {};
}

Result<SegmentFile*> SegmentSet::writable() {
  if (!segments_.empty() && !segments_.back()->sealed()) return segments_.back().get();
  GODWIT_ASSIGN(auto segment, SegmentFile::create(disk_, path_of(next_number_), next_number_));
  ++next_number_;
  segments_.push_back(std::move(segment));
  return segments_.back().get();
}

Result<void> SegmentSet::append(std::span<const SegmentFile::Story> stories) {
  while (!stories.empty()) {
    GODWIT_ASSIGN(SegmentFile* const segment, writable());
    const auto now = stories.subspan(0, std::min(stories.size(), kStoriesAWrite));
    GODWIT_TRY(segment->append(now));
    stories = stories.subspan(now.size());
    const bool old = segment->last() - segment->first() > settings_.keep / kAgeSteps;
    if (segment->bytes() < settings_.segment_bytes && !old) continue;
    GODWIT_TRY(segment->seal());
    remove_old();
  }
  return {};
}

void SegmentSet::remove_old() {
  std::uint64_t total = 0;
  WallTime newest{};
  for (const auto& segment : segments_) {
    total += segment->bytes();
    newest = std::max(newest, segment->last());
  }
  while (!segments_.empty() && segments_.front()->sealed()) {
    SegmentFile& oldest = *segments_.front();
    if (total <= settings_.max_bytes && oldest.last() >= newest - settings_.keep) return;
    total -= oldest.bytes();
    const auto removed = disk_.remove(oldest.path());
    if (!removed) log::warning("trace segment not removed", {{"error", removed.error().text}});
    segments_.erase(segments_.begin());
  }
}

Result<std::vector<Event>> SegmentSet::events(MessageId id) {
  std::multimap<WallTime, Event> ordered;  // keeps the order of those of one moment
  for (const auto& segment : segments_) {
    GODWIT_ASSIGN(auto records, segment->find(hash_of_id(id)));
    for (Record& record : records) {
      if (record.id != id) continue;
      for (Event& event : record.events) ordered.emplace(event.time, std::move(event));
    }
  }
  std::vector<Event> out;
  for (auto& entry : ordered) out.push_back(std::move(entry.second));
  return out;
}

template <class Matches>
Result<std::vector<MessageId>> SegmentSet::find(std::uint64_t hash, std::size_t limit, Matches matches) {
  std::vector<MessageId> out;
  for (auto segment = segments_.rbegin(); segment != segments_.rend() && out.size() < limit; ++segment) {
    GODWIT_ASSIGN(const auto records, (*segment)->find(hash));
    for (const Record& record : records)
      if (matches(record.keys)) out.push_back(record.id);
  }
  std::ranges::sort(out, std::greater{});
  out.erase(std::ranges::unique(out).begin(), out.end());
  if (out.size() > limit) out.resize(limit);
  return out;
}

Result<std::vector<MessageId>> SegmentSet::by_message_id(std::string_view message_id, std::size_t limit) {
  message_id = message_id.substr(0, kLongestKey);
  return find(hash_of_message_id(message_id), limit, [&](const Keys& keys) { return keys.message_id == message_id; });
}

Result<std::vector<MessageId>> SegmentSet::by_address(std::string_view address, std::size_t limit) {
  address = address.substr(0, kLongestKey);
  return find(hash_of_address(address), limit, [&](const Keys& keys) {
    const auto same = [&](const std::string& other) { return ascii_iequals(other, address); };
    return same(keys.sender) || std::ranges::any_of(keys.recipients, same);
  });
}

}  // namespace godwit::trace
