#include "check/dkim/header_fields.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/result.h"
#include "base/signature.h"

namespace godwit::dkim {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

// RFC 5322 3.6.8 ftext
bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 32 && c < 127 && c != ':'; });
}

class HashSink final : public ByteSink {
 public:
  void write(std::string_view bytes) override { hash_.update(bytes); }
  std::string digest() const { return hash_.digest(); }

 private:
  crypto::Sha256 hash_;
};

}  // namespace

std::size_t HeaderFields::feed(std::string_view bytes) {
  if (done_) return 0;
  const std::size_t before = bytes_.size();
  bytes_.append(bytes.substr(0, max_bytes_ + 2 * kLineEnd.size() - before));
  for (;;) {
    const std::size_t end = bytes_.find(kLineEnd, scanned_);
    if (end == std::string::npos) break;
    const bool empty = end == line_;
    if (!empty) take_line(end);
    line_ = scanned_ = end + kLineEnd.size();
    if (empty || too_large_) {
      const std::size_t taken = line_ - before;
      end_header();
      return taken;
    }
  }
  scanned_ = bytes_.empty() ? 0 : std::max(line_, bytes_.size() - 1);  // a CR at the end may be half a line end
  if (bytes_.size() > max_bytes_) {
    too_large_ = true;
    end_header();
  }
  return bytes.size();
}

void HeaderFields::finish() {
  if (done_) return;
  if (line_ < bytes_.size()) take_line(bytes_.size());
  line_ = bytes_.size();
  end_header();
}

void HeaderFields::take_line(std::size_t end) {
  if (end > max_bytes_) {
    too_large_ = true;
    return;
  }
  const char first = bytes_[line_];
  if (first == ' ' || first == '\t') {
    if (in_field_) fields_.back().end = static_cast<std::uint32_t>(end);
    return;
  }
  begin_field(end);
}

void HeaderFields::begin_field(std::size_t end) {
  const auto line = std::string_view(bytes_).substr(line_, end - line_);
  const std::size_t colon = line.find(':');
  std::string_view name = line.substr(0, std::min(colon, line.size()));
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);  // RFC 5322 4.5: obs-optional
  in_field_ = colon != std::string_view::npos && is_field_name(name);
  if (!in_field_) return;
  if (fields_.size() == kMaxFields) {
    too_large_ = true;
    return;
  }
  fields_.push_back({static_cast<std::uint32_t>(line_), static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(line_ + colon),
                     static_cast<std::uint32_t>(end)});
}

void HeaderFields::end_header() {
  done_ = true;
  for (std::uint32_t i = 0; i < fields_.size(); ++i) by_name_[ascii_lower(name(i))].push_back(i);
  if (too_large_) fields_ = {};
  if (too_large_)
    bytes_ = {};
  else
    bytes_.resize(line_);
}

std::string_view HeaderFields::name(std::size_t field) const {
  return std::string_view(bytes_).substr(fields_[field].begin, fields_[field].name_size);
}

std::string_view HeaderFields::bytes(std::size_t field) const {
  return std::string_view(bytes_).substr(fields_[field].begin, fields_[field].end - fields_[field].begin);
}

std::string_view HeaderFields::value(std::size_t field) const {
  return std::string_view(bytes_).substr(fields_[field].colon + 1, fields_[field].end - fields_[field].colon - 1);
}

std::span<const std::uint32_t> HeaderFields::named(std::string_view name) const {
  const auto found = by_name_.find(std::string(name));
  return found == by_name_.end() ? std::span<const std::uint32_t>() : std::span<const std::uint32_t>(found->second);
}

std::vector<std::uint32_t> HeaderFields::select(std::span<const std::string> names, std::optional<std::size_t> except) const {
  std::vector<std::uint32_t> out;
  std::unordered_map<std::string_view, std::size_t> used;  // instances of a name, counted from the bottom
  for (const std::string& name : names) {
    const auto instances = named(name);
    std::size_t& taken = used[name];
    if (taken < instances.size() && except && instances[instances.size() - 1 - taken] == *except) ++taken;
    if (taken >= instances.size()) continue;
    out.push_back(instances[instances.size() - 1 - taken]);
    ++taken;
  }
  return out;
}

std::string HeaderFields::hash(Canonicalization how, std::span<const std::uint32_t> fields, std::span<const std::string_view> last) const {
  HashSink sink;
  for (const std::uint32_t field : fields) {
    FieldCanonicalizer canonicalizer(how);
    canonicalizer.feed(bytes(field), sink);
    canonicalizer.finish(sink);
    sink.write(kLineEnd);
  }
  FieldCanonicalizer canonicalizer(how);
  for (const std::string_view piece : last) canonicalizer.feed(piece, sink);
  canonicalizer.finish(sink);
  return sink.digest();
}

}  // namespace godwit::dkim
