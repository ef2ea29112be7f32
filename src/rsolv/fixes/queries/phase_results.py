"""
The statements about repositories and phase results.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.fixes.rules import FORGE, PhaseReport, Repository


async def upsert_phase_result(
    connection: Connection, report: PhaseReport, *, customer_id: int, api_key_id: int, stored_at: datetime
) -> tuple[int, int, bool] | None:
    """
    Store a result in a repository the customer has reported before, in the place of an earlier one for the same commit.

    Returns the ids of result and repository, and whether the result is new; None when the repository is.
    """
    row = await connection.fetchrow(
        """
        WITH repository AS (
            SELECT id FROM repositories WHERE customer_id = $1 AND forge = $2 AND namespace = $3 AND name = $4
        )
        INSERT INTO phase_results (customer_id, repository_id, phase, issue_number, commit_sha, data, api_key_id,
                                   created_at, updated_at)
        SELECT $1, repository.id, $5, $6, $7, $8::jsonb, $9, $10, $10 FROM repository
        ON CONFLICT ON CONSTRAINT phase_results_once DO UPDATE
        SET data = EXCLUDED.data, api_key_id = EXCLUDED.api_key_id, updated_at = EXCLUDED.updated_at
        RETURNING id, repository_id, xmax = 0 AS is_new
        """,
        customer_id,
        FORGE,
        report.repository.namespace,
        report.repository.name,
        report.phase,
        report.issue_number,
        report.commit_sha,
        report.data_json,
        api_key_id,
        stored_at,
    )
    return row and (row["id"], row["repository_id"], row["is_new"])


async def find_or_insert_phase_result(
    connection: Connection, report: PhaseReport, *, customer_id: int, api_key_id: int, stored_at: datetime
) -> tuple[int, int]:
    """
    Return the ids of a result and of its repository, which is known; what is stored already stays as it is.
    """
    row = await connection.fetchrow(
        """
        WITH repository AS (
            SELECT id FROM repositories WHERE customer_id = $1 AND forge = $2 AND namespace = $3 AND name = $4
        )
        INSERT INTO phase_results (customer_id, repository_id, phase, issue_number, commit_sha, data, api_key_id,
                                   created_at, updated_at)
        SELECT $1, repository.id, $5, $6, $7, $8::jsonb, $9, $10, $10 FROM repository
        ON CONFLICT ON CONSTRAINT phase_results_once DO UPDATE SET updated_at = phase_results.updated_at
        RETURNING id, repository_id
        """,
        customer_id,
        FORGE,
        report.repository.namespace,
        report.repository.name,
        report.phase,
        report.issue_number,
        report.commit_sha,
        report.data_json,
        api_key_id,
        stored_at,
    )
    assert row is not None, "its repository is known"
    return row["id"], row["repository_id"]


async def insert_repository_once(
    connection: Connection, repository: Repository, *, customer_id: int, created_at: datetime
) -> None:
    """
    Add a repository, claiming its owner for the customer at the first sight of it.
    """
    await connection.execute(
        """
        WITH claim AS (
            INSERT INTO forge_accounts (customer_id, forge, namespace, claimed_at) VALUES ($1, $2, $3, $5)
            ON CONFLICT ON CONSTRAINT forge_accounts_pkey DO NOTHING
        )
        INSERT INTO repositories (customer_id, forge, namespace, name, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT ON CONSTRAINT repositories_once DO NOTHING
        """,
        customer_id,
        FORGE,
        repository.namespace,
        repository.name,
        created_at,
    )


async def is_owner_verified(connection: Connection, *, customer_id: int, namespace: str) -> bool:
    """
    Say whether the customer has shown that this owner of repositories is theirs.
    """
    return bool(
        await connection.fetchval(
            """
            SELECT verified_at IS NOT NULL FROM forge_accounts
            WHERE customer_id = $1 AND forge = $2 AND namespace = $3
            """,
            customer_id,
            FORGE,
            namespace,
        )
    )


async def list_phase_results(
    connection: Connection,
    *,
    customer_id: int,
    repository: Repository,
    commit_sha: str,
    issue_number: int | None,
    limit: int,
) -> list[tuple[str, int | None, str]]:
    """
    Return phase, issue and data of what is stored at a commit: the scan, and the other phases of one issue or of all.
    """
    rows = await connection.fetch(
        """
        SELECT p.phase, p.issue_number, p.data
        FROM repositories r
        JOIN phase_results p ON p.customer_id = r.customer_id AND p.repository_id = r.id AND p.commit_sha = $5
        WHERE r.customer_id = $1 AND r.forge = $2 AND r.namespace = $3 AND r.name = $4
          AND (p.issue_number IS NULL OR $6::bigint IS NULL OR p.issue_number = $6)
        ORDER BY p.issue_number NULLS FIRST, p.phase LIMIT $7
        """,
        customer_id,
        FORGE,
        repository.namespace,
        repository.name,
        commit_sha,
        issue_number,
        limit,
    )
    return [(row["phase"], row["issue_number"], row["data"]) for row in rows]
