#include "grammar/message/text_search.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "grammar/message/casemap.h"
#include "grammar/message/encoded_word.h"

namespace godwit::message {
namespace {

constexpr std::size_t kPiece = 32 * 1024;  // what is casemapped at a time: stays in the processor's cache

// How much at the end is the beginning of a character.
std::size_t cut_character(std::string_view utf8) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, utf8.size()); ++back) {
    const auto c = static_cast<unsigned char>(utf8[utf8.size() - back]);
    if ((c & 0xc0) == 0x80) continue;
    const std::size_t length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

}  // namespace

Needle::Needle(std::string_view utf8) : key_(casemap(utf8)) {}

bool Needle::in(std::string_view casemapped) const {
  if (key_.empty()) return true;
  return memmem(casemapped.data(), casemapped.size(), key_.data(), key_.size()) != nullptr;
}

TextSearcher::TextSearcher(std::vector<Needle> needles) : needles_(std::move(needles)) {
  for (const auto& needle : needles_) longest_ = std::max(longest_, needle.size());
  reset();
}

void TextSearcher::reset() {
  end_text();
  found_.assign(needles_.size(), false);
  missing_ = needles_.size();
  for (std::size_t i = 0; i < needles_.size(); ++i) {
    if (needles_[i].size() > 0) continue;
    found_[i] = true;
    --missing_;
  }
}

void TextSearcher::end_text() {
  window_.clear();
  partial_.clear();
}

void TextSearcher::feed(std::string_view utf8) {
  while (!partial_.empty() && !utf8.empty() && !all_found()) {
    partial_ += utf8[0];
    utf8.remove_prefix(1);
    const std::string begun = std::exchange(partial_, {});
    const std::size_t cut = cut_character(begun);
    partial_ = begun.substr(begun.size() - cut);
    search(std::string_view(begun).substr(0, begun.size() - cut));
  }
  while (!utf8.empty() && !all_found()) {
    std::string_view piece = utf8.substr(0, kPiece);
    utf8.remove_prefix(piece.size());
    // what was cut off goes back, or waits for the rest
    const std::size_t cut = cut_character(piece);
    if (utf8.empty())
      partial_ = piece.substr(piece.size() - cut);
    else
      utf8 = {utf8.data() - cut, utf8.size() + cut};
    search(piece.substr(0, piece.size() - cut));
  }
}

void TextSearcher::search(std::string_view utf8) {
  if (utf8.empty()) return;
  append_casemap(window_, utf8);
  for (std::size_t i = 0; i < needles_.size(); ++i) {
    if (found_[i] || !needles_[i].in(window_)) continue;
    found_[i] = true;
    --missing_;
  }
  if (window_.size() >= longest_) window_.erase(0, window_.size() - (longest_ - 1));
}

void PartText::feed(std::string_view bytes, std::string& utf8) {
  if (identity_) return charset_.feed(bytes, utf8);
  decoded_.clear();
  content_.feed(bytes, decoded_);
  charset_.feed(decoded_, utf8);
}

void PartText::finish(std::string& utf8) {
  decoded_.clear();
  content_.finish(decoded_);
  charset_.feed(decoded_, utf8);
  charset_.finish(utf8);
}

std::string header_text(std::string_view header) {
  std::string out;
  std::string field;
  const auto end_field = [&] {
    if (!field.empty()) out += decode_words(field) + '\n';
    field.clear();
  };
  while (!header.empty()) {
    const auto newline = header.find('\n');
    auto line = header.substr(0, newline);
    header = newline == std::string_view::npos ? std::string_view() : header.substr(newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (line[0] != ' ' && line[0] != '\t') end_field();
    field += line;
  }
  end_field();
  return out;
}

}  // namespace godwit::message
