#include "check/dkim/canonical.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::dkim {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

bool is_white_space(char c) { return c == ' ' || c == '\t'; }

}  // namespace

std::string_view to_string(Canonicalization how) { return how == Canonicalization::simple ? "simple" : "relaxed"; }

// --- FieldCanonicalizer

void FieldCanonicalizer::feed(std::string_view bytes, ByteSink& sink) {
  // RFC 6376 3.4.1: simple changes nothing
  if (how_ == Canonicalization::simple) return sink.write(bytes);
  for (const char c : bytes) relaxed(c, sink);
  sink.write({buffer_.data(), filled_});
  filled_ = 0;
}

// RFC 6376 3.4.2: name in lower case, unfolded, runs of white space one space, none around the colon nor at the end
void FieldCanonicalizer::relaxed(char c, ByteSink& sink) {
  if (cr_) {
    cr_ = false;
    if (c == '\n') return;  // the white space of the next line stands for the fold
    content('\r', sink);
  }
  if (c == '\r') {
    cr_ = true;
  } else if (is_white_space(c)) {
    space_ = true;
  } else if (c == ':' && !in_value_) {
    space_ = false;
    content(c, sink);
    in_value_ = true;
    in_text_ = false;
  } else {
    content(in_value_ ? c : ascii_lower(c), sink);
  }
}

void FieldCanonicalizer::content(char c, ByteSink& sink) {
  if (filled_ + 2 > buffer_.size()) {
    sink.write({buffer_.data(), filled_});
    filled_ = 0;
  }
  if (space_ && in_text_) buffer_[filled_++] = ' ';
  space_ = false;
  in_text_ = true;
  buffer_[filled_++] = c;
}

void FieldCanonicalizer::finish(ByteSink& sink) {
  if (cr_) content('\r', sink);
  cr_ = false;
  sink.write({buffer_.data(), filled_});
  filled_ = 0;
}

// --- BodyCanonicalizer

void BodyCanonicalizer::feed(std::string_view bytes, ByteSink& sink) {
  if (how_ == Canonicalization::simple)
    feed_simple(bytes, sink);
  else
    feed_relaxed(bytes, sink);
  flush(sink);
}

void BodyCanonicalizer::feed_simple(std::string_view bytes, ByteSink& sink) {
  for (std::size_t i = 0; i < bytes.size();) {
    if (cr_) {
      cr_ = false;
      if (bytes[i] == '\n') {
        ++line_ends_;
        ++i;
        continue;
      }
      content("\r", sink);
    }
    const std::size_t end = std::min(bytes.find('\r', i), bytes.size());
    if (end > i) content(bytes.substr(i, end - i), sink);
    cr_ = end < bytes.size();
    i = end + 1;
  }
}

// RFC 6376 3.4.4: white space at the end of lines goes, runs of it become one space
void BodyCanonicalizer::feed_relaxed(std::string_view bytes, ByteSink& sink) {
  for (std::size_t i = 0; i < bytes.size();) {
    if (cr_) {
      cr_ = false;
      if (bytes[i] == '\n') {
        ++line_ends_;
        space_ = false;
        ++i;
        continue;
      }
      content("\r", sink);
    }
    std::size_t end = i;
    while (end < bytes.size() && !is_white_space(bytes[end]) && bytes[end] != '\r') ++end;
    if (end > i) content(bytes.substr(i, end - i), sink);
    for (i = end; i < bytes.size() && is_white_space(bytes[i]); ++i) space_ = true;
    if (i < bytes.size() && bytes[i] == '\r') {
      cr_ = true;
      ++i;
    }
  }
}

void BodyCanonicalizer::content(std::string_view bytes, ByteSink& sink) {
  for (; line_ends_ > 0; --line_ends_) put(kLineEnd, sink);
  if (space_) put(" ", sink);
  space_ = false;
  any_ = true;
  put(bytes, sink);
}

void BodyCanonicalizer::put(std::string_view bytes, ByteSink& sink) {
  if (filled_ + bytes.size() > buffer_.size()) flush(sink);
  if (bytes.size() > buffer_.size()) return sink.write(bytes);
  std::ranges::copy(bytes, buffer_.begin() + static_cast<std::ptrdiff_t>(filled_));
  filled_ += bytes.size();
}

void BodyCanonicalizer::flush(ByteSink& sink) {
  if (filled_ > 0) sink.write({buffer_.data(), filled_});
  filled_ = 0;
}

void BodyCanonicalizer::finish(ByteSink& sink) {
  if (cr_) content("\r", sink);
  cr_ = false;
  // RFC 6376 3.4.3: simple: "*CRLF" at the end becomes one CRLF, and a body that is empty or missing is one CRLF
  // RFC 6376 3.4.4: relaxed: the same, but a body of which nothing is left stays empty
  if (any_ || how_ == Canonicalization::simple) put(kLineEnd, sink);
  flush(sink);
}

}  // namespace godwit::dkim
