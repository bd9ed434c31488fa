"""Binary and hash functions (functions/binary)."""

from __future__ import annotations

from finks_local.sql.functions.registry import Family

binaries = Family()
binaries.declare(
    {
        "to_hex(varbinary) -> varchar": "hex($1)",
        "from_hex(varchar) -> varbinary": "trino_from_hex($1)",
        "to_base64(varbinary) -> varchar": "base64($1)",
        "from_base64(varchar) -> varbinary": "trino_from_base64($1)",
        "to_base64url(varbinary) -> varchar": "translate(base64($1), '+/', '-_')",
        "from_base64url(varchar) -> varbinary": "trino_from_base64(translate($1, '-_', '+/'))",
        "to_base32(varbinary) -> varchar": "trino_to_base32($1)",
        "from_base32(varchar) -> varbinary": "trino_from_base32($1)",
        "md5(varbinary) -> varbinary": "unhex(md5($1))",
        "sha1(varbinary) -> varbinary": "unhex(sha1($1))",
        "sha256(varbinary) -> varbinary": "unhex(sha256($1))",
        "sha512(varbinary) -> varbinary": "trino_sha512($1)",
        "crc32(varbinary) -> bigint": "trino_crc32($1)",
        "xxhash64(varbinary) -> varbinary": "trino_xxhash64($1)",
        "hmac_md5(varbinary, varbinary) -> varbinary": "trino_hmac($1, $2, 'md5')",
        "hmac_sha1(varbinary, varbinary) -> varbinary": "trino_hmac($1, $2, 'sha1')",
        "hmac_sha256(varbinary, varbinary) -> varbinary": "trino_hmac($1, $2, 'sha256')",
        "hmac_sha512(varbinary, varbinary) -> varbinary": "trino_hmac($1, $2, 'sha512')",
        "to_big_endian_64(bigint) -> varbinary": "trino_to_big_endian($1, 8)",
        "to_big_endian_32(integer) -> varbinary": "trino_to_big_endian($1, 4)",
        "from_big_endian_64(varbinary) -> bigint": "trino_from_big_endian($1, 8)",
        "from_big_endian_32(varbinary) -> integer": "CAST(trino_from_big_endian($1, 4) AS INTEGER)",
        "to_ieee754_64(double) -> varbinary": "trino_to_ieee754($1)",
        "from_ieee754_64(varbinary) -> double": "trino_from_ieee754($1)",
        "reverse(varbinary) -> varbinary": "unhex(trino_reverse_pairs(hex($1)))",
        "substr(varbinary, bigint) -> varbinary": "trino_bytes_substr($1, $2, NULL)",
        "substr(varbinary, bigint, bigint) -> varbinary": "trino_bytes_substr($1, $2, $3)",
        "concat(varbinary, varbinary) -> varbinary": "($1 || $2)",
        "lpad(varbinary, bigint, varbinary) -> varbinary": "trino_bytes_pad($1, $2, $3, true)",
        "rpad(varbinary, bigint, varbinary) -> varbinary": "trino_bytes_pad($1, $2, $3, false)",
    }
)
