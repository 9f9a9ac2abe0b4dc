#pragma once
// Outcomes that can fail, and the one error type of the program.
//
// An Error answers the question of mail first: is it worth trying again (`temporary`) or not (`permanent`)?
// Then comes the cause, then a sentence for a person. Values; any thread.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace godwit {

struct Error {
  enum class Kind : std::uint8_t { temporary, permanent };
  enum class Cause : std::uint8_t {
    timed_out,
    cancelled,
    closed,
    syntax,
    limit,
    not_found,
    conflict,
    denied,
    full,
    io,
    corrupt,
    unsupported
  };

  Kind kind = Kind::permanent;
  Cause cause = Cause::io;
  std::string text;          // one sentence without a final stop; what is wrong and, where known, what to do
  std::size_t position = 0;  // parsers: offset of the offending byte

  static Error temporary(Cause cause, std::string text) { return {Kind::temporary, cause, std::move(text), 0}; }
  static Error permanent(Cause cause, std::string text) { return {Kind::permanent, cause, std::move(text), 0}; }
  static Error syntax(std::string rule, std::size_t position) { return {Kind::permanent, Cause::syntax, std::move(rule), position}; }
};

std::string_view to_string(Error::Cause cause);

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

// Says aloud that a result does not matter here, and why.
template <class T>
void ignore(T&& /*value*/, std::string_view /*why*/) {}

// For a broken invariant: says where and ends the process (the queue is crash-safe, a supervisor restarts it).
[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace godwit

#define GODWIT_CAT_(a, b) a##b
#define GODWIT_CAT(a, b) GODWIT_CAT_(a, b)

#define GODWIT_CHECK(expression)                                                \
  do {                                                                          \
    if (!(expression)) ::godwit::check_failed(#expression, __FILE__, __LINE__); \
  } while (false)

// In a function returning Result: hand a failure on. GODWIT_ASSIGN also binds the value.
#define GODWIT_TRY(expression)                                                    \
  do {                                                                            \
    auto&& godwit_result = (expression);                                          \
    if (!godwit_result) return std::unexpected(std::move(godwit_result).error()); \
  } while (false)
#define GODWIT_ASSIGN(declaration, expression)                                                                                \
  auto GODWIT_CAT(godwit_result_, __LINE__) = (expression);                                                                   \
  if (!GODWIT_CAT(godwit_result_, __LINE__)) return std::unexpected(std::move(GODWIT_CAT(godwit_result_, __LINE__)).error()); \
  declaration = *std::move(GODWIT_CAT(godwit_result_, __LINE__))

// The same in a coroutine; the expression may contain one co_await.
#define GODWIT_CO_TRY(expression)                                                    \
  do {                                                                               \
    auto&& godwit_result = (expression);                                             \
    if (!godwit_result) co_return std::unexpected(std::move(godwit_result).error()); \
  } while (false)
#define GODWIT_CO_ASSIGN(declaration, expression)                                                                                \
  auto GODWIT_CAT(godwit_result_, __LINE__) = (expression);                                                                      \
  if (!GODWIT_CAT(godwit_result_, __LINE__)) co_return std::unexpected(std::move(GODWIT_CAT(godwit_result_, __LINE__)).error()); \
  declaration = *std::move(GODWIT_CAT(godwit_result_, __LINE__))
