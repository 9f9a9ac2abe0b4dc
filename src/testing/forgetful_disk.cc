#include "testing/forgetful_disk.h"

#include <algorithm>

namespace godwit::testing {
namespace {

Error io(const std::string& text) { return Error::temporary(Error::Cause::io, text); }
Error missing(const std::string& path) { return Error::permanent(Error::Cause::not_found, path + ": no such file"); }
Error no_space() { return Error::temporary(Error::Cause::full, "no space left on the disk"); }

std::string normal(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c != '/' || out.empty() || out.back() != '/') out.push_back(c);
  }
  if (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

std::string parent(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

class ForgetfulFile final : public store::File {
 public:
  ForgetfulFile(ForgetfulDisk& disk, std::shared_ptr<ForgetfulDisk::Inode> inode, std::string path, bool writable)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), generation_(disk.generation_), writable_(writable) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    const std::lock_guard lock(disk_.mutex_);
    GODWIT_TRY(disk_.alive(generation_));
    const std::string& data = inode_->data;
    const std::size_t count = offset >= data.size() ? 0 : std::min<std::size_t>(into.size(), data.size() - offset);
    std::copy_n(data.data() + (count == 0 ? 0 : offset), count, into.data());
    ++disk_.counters_.reads;
    disk_.counters_.read_bytes += count;
    return count;
  }

  Result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    GODWIT_TRY(may_write());
    bool half_done = false;
    const auto turn = disk_.change(half_done);
    if (!turn && !half_done) return turn;
    GODWIT_TRY(disk_.write(*inode_, offset, bytes));
    ++disk_.counters_.writes;
    disk_.counters_.written_bytes += bytes.size();
    return turn;
  }

  Result<void> sync_data() override {
    std::function<void(const std::string&)> hook;
    {
      const std::lock_guard lock(disk_.mutex_);
      hook = disk_.before_sync_;
    }
    if (hook) hook(path_);
    const std::lock_guard lock(disk_.mutex_);
    GODWIT_TRY(disk_.alive(generation_));
    bool half_done = false;
    if (const auto turn = disk_.change(half_done); !turn) {
      for (const auto& [page, before] : inode_->unsynced) inode_->given_up.insert(page);
      return turn;
    }
    ++disk_.counters_.syncs;
    ForgetfulDisk::sync(*inode_);
    return {};
  }

  Result<void> allocate(std::uint64_t bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    GODWIT_TRY(may_write());
    bool half_done = false;
    GODWIT_TRY(disk_.change(half_done));
    if (bytes <= inode_->data.size()) return {};
    return disk_.resize(*inode_, bytes);
  }

  Result<void> truncate(std::uint64_t bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    GODWIT_TRY(may_write());
    bool half_done = false;
    GODWIT_TRY(disk_.change(half_done));
    return disk_.resize(*inode_, bytes);
  }

  Result<std::uint64_t> size() override {
    const std::lock_guard lock(disk_.mutex_);
    GODWIT_TRY(disk_.alive(generation_));
    return inode_->data.size();
  }

 private:
  Result<void> may_write() const {
    GODWIT_TRY(disk_.alive(generation_));
    if (!writable_) return fail(io(path_ + ": opened for reading alone"));
    return {};
  }

  ForgetfulDisk& disk_;
  std::shared_ptr<ForgetfulDisk::Inode> inode_;
  std::string path_;
  std::uint64_t generation_;
  bool writable_;
};

ForgetfulDisk::ForgetfulDisk(std::uint64_t seed) : random_(seed), budget_(std::uint64_t{1} << 50) {}
ForgetfulDisk::~ForgetfulDisk() = default;

Result<void> ForgetfulDisk::alive(std::uint64_t generation) const {
  if (cut_) return fail(io("the power is off"));
  if (generation != generation_) return fail(io("a file opened before the power cut"));
  return {};
}

Result<void> ForgetfulDisk::change(bool& half_done) {
  ++counters_.changes;
  if (fail_in_ == 0 || --fail_in_ > 0) return {};
  if (failure_ == Failure::full) return fail(no_space());
  if (failure_ == Failure::io_error) return fail(io("input/output error"));
  cut_ = true;
  half_done = true;
  return fail(io("the power is off"));
}

std::uint64_t ForgetfulDisk::used() const {
  std::uint64_t sum = 0;
  for (const auto& [path, inode] : entries_) sum += inode->data.size();
  return sum;
}

void ForgetfulDisk::touch(Inode& inode, std::uint64_t offset, std::uint64_t length) {
  if (length == 0) return;
  for (std::uint64_t page = offset / kPage; page <= (offset + length - 1) / kPage; ++page) {
    inode.given_up.erase(page);
    if (inode.unsynced.contains(page)) continue;
    const std::uint64_t begin = page * kPage;
    const bool old = begin < inode.synced_size && begin < inode.data.size();
    inode.unsynced.emplace(page, old ? inode.data.substr(begin, std::min<std::uint64_t>(kPage, inode.synced_size - begin)) : std::string());
  }
}

Result<void> ForgetfulDisk::resize(Inode& inode, std::uint64_t bytes) {
  const std::uint64_t before = inode.data.size();
  if (bytes > before && used() + (bytes - before) > budget_) return fail(no_space());
  if (bytes < before) touch(inode, bytes, before - bytes);
  if (bytes > before) touch(inode, before, bytes - before);
  inode.data.resize(bytes);
  return {};
}

Result<void> ForgetfulDisk::write(Inode& inode, std::uint64_t offset, std::string_view bytes) {
  if (offset + bytes.size() > inode.data.size()) GODWIT_TRY(resize(inode, offset + bytes.size()));
  touch(inode, offset, bytes.size());
  std::copy(bytes.begin(), bytes.end(), inode.data.begin() + static_cast<std::ptrdiff_t>(offset));
  return {};
}

void ForgetfulDisk::sync(Inode& inode) {
  std::erase_if(inode.unsynced, [&](const auto& page) { return !inode.given_up.contains(page.first); });
  inode.synced_size = inode.data.size();
}

Result<std::unique_ptr<store::File>> ForgetfulDisk::open(const std::string& given, Open how) {
  const std::lock_guard lock(mutex_);
  GODWIT_TRY(alive(generation_));
  const std::string path = normal(given);
  const auto found = entries_.find(path);
  if (found != entries_.end() && found->second->directory) return fail(io(path + ": is a directory"));
  if (found == entries_.end()) {
    if (how == Open::read || how == Open::write_existing) return fail(missing(path));
    const auto directory = entries_.find(parent(path));
    if (!parent(path).empty() && parent(path) != "/" && directory == entries_.end()) return fail(missing(parent(path)));
    bool half_done = false;
    GODWIT_TRY(change(half_done));
    auto inode = std::make_shared<Inode>();
    name({"", path, inode});
    return std::make_unique<ForgetfulFile>(*this, std::move(inode), path, true);
  }
  if (how == Open::create_new) return fail(Error::permanent(Error::Cause::conflict, path + ": exists already"));
  return std::make_unique<ForgetfulFile>(*this, found->second, path, how != Open::read);
}

Result<void> ForgetfulDisk::make_directories(const std::string& given) {
  const std::lock_guard lock(mutex_);
  GODWIT_TRY(alive(generation_));
  for (std::string path = normal(given); !path.empty() && path != "/"; path = parent(path)) {
    const auto found = entries_.find(path);
    if (found != entries_.end() && !found->second->directory) return fail(io(path + ": is not a directory"));
    if (found != entries_.end()) return {};
    auto inode = std::make_shared<Inode>();
    inode->directory = true;
    entries_[path] = inode;
    synced_entries_[path] = std::move(inode);
  }
  return {};
}

Result<std::vector<std::string>> ForgetfulDisk::list(const std::string& given) {
  const std::lock_guard lock(mutex_);
  GODWIT_TRY(alive(generation_));
  const std::string directory = normal(given);
  if (const auto found = entries_.find(directory); found == entries_.end() || !found->second->directory) return fail(missing(directory));
  std::vector<std::string> names;
  for (const auto& [path, inode] : entries_) {
    if (parent(path) == directory && path != directory) names.push_back(path.substr(path.rfind('/') + 1));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<bool> ForgetfulDisk::exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  GODWIT_TRY(alive(generation_));
  return entries_.contains(normal(path));
}

Result<bool> ForgetfulDisk::is_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  GODWIT_TRY(alive(generation_));
  const auto found = entries_.find(normal(path));
  return found != entries_.end() && found->second->directory;
}

void ForgetfulDisk::apply(Entries& entries, const NameChange& change) {
  if (!change.from.empty()) entries.erase(change.from);
  if (!change.to.empty()) entries[change.to] = change.inode;
}

void ForgetfulDisk::name(NameChange change) {
  apply(entries_, change);
  const std::string directory = parent(change.to.empty() ? change.from : change.to);
  unsynced_names_[directory].push_back(std::move(change));
}

Result<void> ForgetfulDisk::rename(const std::string& given_from, const std::string& given_to) {
  const std::lock_guard lock(mutex_);
  GODWIT_TRY(alive(generation_));
  const std::string from = normal(given_from);
  const std::string to = normal(given_to);
  const auto found = entries_.find(from);
  if (found == entries_.end()) return fail(missing(from));
  if (found->second->directory) return fail(io(from + ": directories are not renamed here"));
  bool half_done = false;
  const auto turn = change(half_done);
  if (!turn && !half_done) return turn;
  if (from != to) name({from, to, found->second});
  return turn;
}

Result<void> ForgetfulDisk::remove(const std::string& given) {
  const std::lock_guard lock(mutex_);
  GODWIT_TRY(alive(generation_));
  const std::string path = normal(given);
  const auto found = entries_.find(path);
  if (found == entries_.end()) return fail(missing(path));
  if (found->second->directory) {
    for (const auto& [other, inode] : entries_) {
      if (parent(other) == path) return fail(io(path + ": directory is not empty"));
    }
  }
  bool half_done = false;
  const auto turn = change(half_done);
  if (!turn && !half_done) return turn;
  name({path, "", nullptr});
  return turn;
}

Result<void> ForgetfulDisk::sync_directory(const std::string& given) {
  const std::lock_guard lock(mutex_);
  GODWIT_TRY(alive(generation_));
  bool half_done = false;
  GODWIT_TRY(change(half_done));
  ++counters_.directory_syncs;
  auto& changes = unsynced_names_[normal(given)];
  for (const NameChange& one : changes) apply(synced_entries_, one);
  changes.clear();
  return {};
}

Result<std::uint64_t> ForgetfulDisk::free_bytes(const std::string& /*path*/) {
  const std::lock_guard lock(mutex_);
  GODWIT_TRY(alive(generation_));
  const std::uint64_t taken = used();
  return taken >= budget_ ? 0 : budget_ - taken;
}

void ForgetfulDisk::fail_at(std::uint64_t n, Failure failure) {
  const std::lock_guard lock(mutex_);
  fail_in_ = n;
  failure_ = failure;
}

void ForgetfulDisk::cut() {
  const std::lock_guard lock(mutex_);
  cut_ = true;
}

bool ForgetfulDisk::is_cut() const {
  const std::lock_guard lock(mutex_);
  return cut_;
}

void ForgetfulDisk::forget_pages(Inode& inode) {
  if (inode.data.size() != inode.synced_size) {
    const bool keep_size = toss();
    if (!keep_size) inode.data.resize(inode.synced_size);
  }
  for (const auto& [page, before] : inode.unsynced) {
    if (toss()) continue;
    const std::uint64_t begin = page * kPage;
    for (std::uint64_t i = 0; i < kPage && begin + i < inode.data.size(); ++i) inode.data[begin + i] = i < before.size() ? before[i] : '\0';
  }
  inode.given_up.clear();
  sync(inode);
}

void ForgetfulDisk::restart() {
  const std::lock_guard lock(mutex_);
  for (auto& [directory, changes] : unsynced_names_) {
    const std::size_t kept = changes.empty() ? 0 : random_() % (changes.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) apply(synced_entries_, changes[i]);
  }
  unsynced_names_.clear();
  std::set<Inode*> done;  // an inode may have two names after a lost half of a rename
  for (auto& [path, inode] : synced_entries_) {
    if (done.insert(inode.get()).second) forget_pages(*inode);
  }
  entries_ = synced_entries_;
  ++generation_;
  cut_ = false;
  fail_in_ = 0;
}

void ForgetfulDisk::set_budget(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  budget_ = bytes;
}

void ForgetfulDisk::flip_bit(const std::string& path, std::uint64_t offset, unsigned bit) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(normal(path));
  GODWIT_CHECK(found != entries_.end() && offset < found->second->data.size());
  Inode& inode = *found->second;
  const char mask = static_cast<char>(1u << (bit & 7u));
  inode.data[offset] = static_cast<char>(inode.data[offset] ^ mask);
  const auto page = inode.unsynced.find(offset / kPage);
  if (page == inode.unsynced.end() || offset % kPage >= page->second.size()) return;
  page->second[offset % kPage] = static_cast<char>(page->second[offset % kPage] ^ mask);
}

std::string ForgetfulDisk::contents(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(normal(path));
  GODWIT_CHECK(found != entries_.end());
  return found->second->data;
}

std::size_t ForgetfulDisk::unsynced_pages(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(normal(path));
  return found == entries_.end() ? 0 : found->second->unsynced.size();
}

void ForgetfulDisk::set_before_sync(std::function<void(const std::string& path)> hook) {
  const std::lock_guard lock(mutex_);
  before_sync_ = std::move(hook);
}

ForgetfulDisk::Counters ForgetfulDisk::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace godwit::testing
