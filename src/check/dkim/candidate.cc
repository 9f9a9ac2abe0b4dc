#include "check/dkim/candidate.h"

#include <fmt/format.h>

#include <algorithm>

#include "check/dkim/key_record.h"

namespace godwit::dkim {
namespace {

constexpr unsigned kLeastRsaBits = 1'024;  // RFC 8301 3.2

std::uint64_t seconds_of(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0));
}

void check_clock(Candidate& candidate, const VerifyOptions& options, WallTime now) {
  const Signature& signature = candidate.signature;
  // RFC 6376 3.5, x=: the time at which it was received counts; behind it the signature is invalid
  if (signature.expiry && seconds_of(now - options.expiry_grace) > *signature.expiry)
    settle(candidate, Reason::expired, fmt::format("the signature of {} has expired", signature.domain));
  // RFC 6376 3.5, t=: a timestamp in the future may be ignored
  else if (signature.time && *signature.time > seconds_of(now + options.future_grace))
    settle(candidate, Reason::from_the_future, fmt::format("the signature of {} says to be made in the future", signature.domain));
}

// What one record leads to.
struct Outcome {
  Reason reason = Reason::key_syntax;
  std::string text;
  unsigned key_bits = 0;
  bool testing = false;
};

std::string_view wanted_type(Algorithm algorithm) { return algorithm == Algorithm::ed25519_sha256 ? "ed25519" : "rsa"; }

// RFC 6376 6.1.2 steps 5 to 8: whether the record may be used. Nothing: it may.
std::optional<Fault> find_fault(const KeyRecord& record, const Signature& signature) {
  // RFC 6376 3.6.1, s=: a record for other services MUST be ignored
  if (!record.for_email()) return Fault{Reason::key_unsuitable, "the key is not for mail"};
  if (!record.takes_hash("sha256")) return Fault{Reason::key_unsuitable, "the key does not allow SHA-256"};
  if (record.revoked()) return Fault{Reason::key_revoked, "the key is revoked"};
  if (record.key_type != wanted_type(signature.algorithm))
    return Fault{Reason::key_unsuitable, fmt::format("the key is not for {}", signature.algorithm_name)};
  // RFC 6376 3.6.1, t=s: no identity below the domain
  if (record.same_domain && signature.identity_domain != signature.domain)
    return Fault{Reason::identity_mismatch,
                 fmt::format("the key does not serve {}, which is below {}", signature.identity, signature.domain)};
  return std::nullopt;
}

// RFC 6376 6.1.3
Outcome compute(const Candidate& candidate, const crypto::PublicKey& key, const BodyHashes::Hash& body) {
  const Signature& signature = candidate.signature;
  Outcome out;
  out.key_bits = key.bits();
  // RFC 6376 3.5, l=: MUST NOT be larger than the canonical body
  if (signature.body_length && *signature.body_length > body.body_size) {
    out.reason = Reason::body_too_short;
    out.text = fmt::format("the body has {} bytes, fewer than were signed", body.body_size);
  } else if (body.sha256 != signature.body_hash) {
    out.reason = Reason::body_changed;
    out.text = fmt::format("the body is not what {} signed", signature.domain);
  } else if (!key.verify(candidate.header_hash, signature.data)) {
    out.reason = Reason::signature_wrong;
    out.text = fmt::format("the signature of {} does not verify: the header was changed, or another key signed", signature.domain);
  } else {
    out.reason = Reason::verified;
    out.text = fmt::format("the signature of {} verifies ({}, {} bits)", signature.domain, signature.algorithm_name, key.bits());
  }
  return out;
}

Outcome try_record(const Candidate& candidate, const std::string& text, const BodyHashes::Hash& body, const VerifyOptions& options) {
  const auto record = parse_key_record(text);
  if (!record) return {Reason::key_syntax, "the key record cannot be read: " + record.error().text, 0, false};
  if (auto fault = find_fault(*record, candidate.signature)) return {fault->reason, std::move(fault->text), 0, record->testing};
  const auto key = record->public_key();
  if (!key) {
    const bool large = key.error().cause == Error::Cause::limit;
    return {large ? Reason::key_unsuitable : Reason::key_syntax, "the key cannot be used: " + key.error().text, 0, record->testing};
  }
  // RFC 8301 3.2: signatures with RSA keys of less than 1024 bits MUST NOT count as valid
  const unsigned least = std::max(options.min_rsa_bits, kLeastRsaBits);
  if (key->type() == crypto::KeyType::rsa && key->bits() < least) {
    return {Reason::key_too_small, fmt::format("the RSA key has {} bits; below {} it proves nothing", key->bits(), least), key->bits(),
            record->testing};
  }
  Outcome out = compute(candidate, *key, body);
  out.testing = record->testing;
  return out;
}

// The better of two: pass before fail before what could not be tried.
int rank(Reason reason) {
  const Result result = result_of(reason);
  if (result == Result::pass) return 2;
  return result == Result::fail ? 1 : 0;
}

}  // namespace

void settle(Candidate& candidate, Reason reason, std::string text) {
  candidate.settled = true;
  candidate.verdict.reason = reason;
  candidate.verdict.result = result_of(reason);
  candidate.verdict.text = std::move(text);
}

Candidate settled_candidate(Reason reason, std::string text) {
  Candidate out;
  settle(out, reason, std::move(text));
  return out;
}

Candidate begin_candidate(std::string_view text, std::size_t from_fields, const VerifyOptions& options, WallTime now) {
  ParsedSignature parsed = parse_signature(text);
  Candidate out;
  out.signature = std::move(parsed.signature);
  const Signature& signature = out.signature;
  out.verdict.domain = signature.domain;
  out.verdict.identity = signature.identity;
  out.verdict.selector = signature.selector;
  out.verdict.algorithm = signature.algorithm_name;
  out.verdict.signature = signature.data_text;
  out.verdict.length = signature.body_length;
  if (parsed.fault) {
    settle(out, parsed.fault->reason, std::move(parsed.fault->text));
    return out;
  }
  // RFC 6376 6.1.1, 8.15: an author that was put on top of the signed one is what readers would see
  const auto covered = static_cast<std::size_t>(std::ranges::count(signature.fields, "from"));
  if (from_fields > covered)
    settle(out, Reason::from_not_signed, fmt::format("the message has {} From fields, of which {} were signed", from_fields, covered));
  else
    check_clock(out, options, now);
  return out;
}

void judge(Candidate& candidate, const KeyAnswer& answer, const BodyHashes::Hash& body, const VerifyOptions& options) {
  const Signature& signature = candidate.signature;
  const auto name = key_name(signature.selector, signature.domain);
  candidate.verdict.secure = answer.secure;
  if (signature.body_length && *signature.body_length < body.body_size)
    candidate.verdict.unsigned_bytes = body.body_size - *signature.body_length;
  // RFC 6376 6.1.2 steps 2 and 3
  if (answer.status == KeyAnswer::Status::unavailable)
    return settle(candidate, Reason::key_unavailable, fmt::format("the key {} is not to be had now: {}", name, answer.text));
  if (answer.status == KeyAnswer::Status::absent) return settle(candidate, Reason::no_key, fmt::format("there is no key {}", name));
  // RFC 6376 6.1.2 step 4: with several records each is tried
  std::optional<Outcome> best;
  for (const std::string& record : answer.records) {
    Outcome outcome = try_record(candidate, record, body, options);
    if (!best || rank(outcome.reason) > rank(best->reason)) best = std::move(outcome);
  }
  candidate.verdict.key_bits = best->key_bits;
  candidate.verdict.testing = best->testing;
  std::string text = std::move(best->text);
  if (candidate.verdict.unsigned_bytes > 0 && best->reason == Reason::verified)
    text += fmt::format("; the last {} bytes of the body are not signed", candidate.verdict.unsigned_bytes);
  if (best->testing) text += "; the domain is testing";
  settle(candidate, best->reason, std::move(text));
}

}  // namespace godwit::dkim
