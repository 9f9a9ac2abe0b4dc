#include "grammar/smtp/data_reader.h"

#include <bit>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace godwit::smtp {
namespace {

// What DATA withheld (a CR behind a dot at the beginning of a line) and has to give back: views need bytes that stay.
constexpr std::string_view kCr = "\r";

bool is_special(char c) { return c == '\r' || c == '\n' || c == '\0'; }

}  // namespace

std::string_view to_string(Violation violation) {
  switch (violation) {
    case Violation::none: return "none";
    case Violation::bare_cr: return "bare CR";
    case Violation::bare_lf: return "bare LF";
    case Violation::nul: return "NUL";
  }
  return "none";
}

std::size_t find_line_special(std::string_view bytes) {
  std::size_t i = 0;
#if defined(__SSE2__)
  const __m128i cr = _mm_set1_epi8('\r');
  const __m128i lf = _mm_set1_epi8('\n');
  const __m128i nul = _mm_setzero_si128();
  for (; i + 16 <= bytes.size(); i += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + i));
    const __m128i line_end = _mm_or_si128(_mm_cmpeq_epi8(block, cr), _mm_cmpeq_epi8(block, lf));
    const int mask = _mm_movemask_epi8(_mm_or_si128(line_end, _mm_cmpeq_epi8(block, nul)));
    if (mask != 0) return i + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(mask)));
  }
#endif
  while (i < bytes.size() && !is_special(bytes[i])) ++i;
  return i;
}

void DataReader::violate(Violation violation, std::uint64_t at) {
  if (violation_ != Violation::none) return;
  violation_ = violation;
  violation_at_ = at;
}

// Runs over ordinary lines: stops at a dot that begins a line, at anything that is forbidden, and at the end of the input.
// From line_begin (the first byte is no dot) or text; leaves line_begin, text or cr.
std::size_t DataReader::skim(std::string_view input) {
  std::size_t i = 0;
  for (;;) {
    i += find_line_special(input.substr(i));
    if (i == input.size()) {
      state_ = State::text;
      return i;
    }
    if (input[i] != '\r') {
      violate(input[i] == '\n' ? Violation::bare_lf : Violation::nul, size_ + i);
      ++i;  // it stays a part of the line: only CRLF ends one
      continue;
    }
    if (++i == input.size()) {
      state_ = State::cr;
      return i;
    }
    if (input[i] != '\n') {
      violate(Violation::bare_cr, size_ + i - 1);
      continue;
    }
    if (++i == input.size() || input[i] == '.') {
      state_ = State::line_begin;
      return i;
    }
  }
}

DataReader::Piece DataReader::next(std::string_view input) {
  if (input.empty() || state_ == State::finished) return {};
  switch (state_) {
    case State::line_begin:
      if (input[0] == '.') {
        state_ = State::dot;
        return {{}, 1};
      }
      break;
    case State::cr:
      if (input[0] == '\n') {
        state_ = State::line_begin;
        ++size_;
        return {input.substr(0, 1), 1};
      }
      violate(Violation::bare_cr, size_ - 1);
      break;
    case State::dot:
      // RFC 5321 4.5.2: the first dot of a line is dropped
      if (input[0] == '\r') {
        state_ = State::dot_cr;
        return {{}, 1};
      }
      break;
    case State::dot_cr:
      if (input[0] == '\n') {
        state_ = State::finished;
        return {{}, 1};
      }
      violate(Violation::bare_cr, size_);
      ++size_;
      state_ = State::text;
      return {kCr, 0};
    case State::text:
    case State::finished: break;
  }
  const std::size_t length = skim(input);
  size_ += length;
  return {input.substr(0, length), length};
}

}  // namespace godwit::smtp
