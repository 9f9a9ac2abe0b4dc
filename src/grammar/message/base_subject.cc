#include "grammar/message/base_subject.h"

#include "base/bytes.h"
#include "grammar/message/encoded_word.h"

namespace godwit::message {
namespace {

bool starts_with(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && ascii_iequals(text.substr(0, lower.size()), lower);
}

// RFC 5256 2.1 (1)
std::string normalized(std::string_view subject) {
  std::string out;
  for (const char c : decode_words(subject)) {
    const bool white = c == ' ' || c == '\t';
    if (!white)
      out += c;
    else if (!out.ends_with(' '))
      out += ' ';
  }
  return out;
}

class Extractor {
 public:
  explicit Extractor(std::string_view text) : text_(text) {}

  BaseSubject run() {
    do {
      remove_trailers();
      while (remove_leader() || remove_blobs()) {
      }
    } while (remove_forward());
    return {std::string(text_), reply_or_forward_};
  }

 private:
  void skip_white(std::size_t& at) const {
    while (at < text_.size() && text_[at] == ' ') ++at;
  }

  // subj-blob at `at`: moves behind it.
  bool take_blob(std::size_t& at) const {
    if (at >= text_.size() || text_[at] != '[') return false;
    const auto end = text_.find_first_of(std::string_view("[]\0", 3), at + 1);
    if (end == std::string_view::npos || text_[end] != ']') return false;
    at = end + 1;
    skip_white(at);
    return true;
  }

  // subj-refwd at `at`
  bool take_refwd(std::size_t& at) const {
    const auto rest = text_.substr(at);
    std::size_t end = at;
    if (starts_with(rest, "fwd"))
      end += 3;
    else if (starts_with(rest, "re") || starts_with(rest, "fw"))
      end += 2;
    else
      return false;
    skip_white(end);
    take_blob(end);
    if (end >= text_.size() || text_[end] != ':') return false;
    at = end + 1;
    return true;
  }

  // (2)
  void remove_trailers() {
    for (;;) {
      if (text_.ends_with(' ')) {
        text_.remove_suffix(1);
      } else if (text_.size() >= 5 && ascii_iequals(text_.substr(text_.size() - 5), "(fwd)")) {
        text_.remove_suffix(5);
        reply_or_forward_ = true;
      } else {
        return;
      }
    }
  }

  // (3)
  bool remove_leader() {
    std::size_t at = 0;
    skip_white(at);
    if (at > 0) {
      text_.remove_prefix(at);
      return true;
    }
    while (take_blob(at)) {
    }
    if (!take_refwd(at)) return false;
    text_.remove_prefix(at);
    reply_or_forward_ = true;
    return true;
  }

  // (4), for all blobs that stand there: (3) matches at none of them where it did not at the first.
  bool remove_blobs() {
    std::size_t base = 0;
    for (std::size_t at = 0; take_blob(at) && at < text_.size();) base = at;
    text_.remove_prefix(base);
    return base > 0;
  }

  // (6)
  bool remove_forward() {
    if (!starts_with(text_, "[fwd:") || !text_.ends_with(']')) return false;
    text_.remove_prefix(5);
    text_.remove_suffix(1);
    reply_or_forward_ = true;
    return true;
  }

  std::string_view text_;
  bool reply_or_forward_ = false;
};

}  // namespace

BaseSubject base_subject(std::string_view subject) {
  const std::string text = normalized(subject);
  return Extractor(text).run();
}

}  // namespace godwit::message
