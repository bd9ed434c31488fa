with

transactions as (

    select * from {{ ref('stg_files__transactions') }}

),

portfolios as (

    select * from {{ ref('stg_files__portfolios') }}

),

profiles as (

    select * from {{ ref('stg_fmp__profiles') }}

),

currencies as (

    select
        portfolio_id,
        currency
    from transactions

    union

    select
        transactions.portfolio_id,
        profiles.currency
    from transactions
    inner join profiles
        on transactions.symbol = profiles.symbol

),

currency_pairs as (

    select
        currencies.portfolio_id,
        currencies.currency,
        portfolios.base_currency
    from currencies
    inner join portfolios
        on currencies.portfolio_id = portfolios.portfolio_id

)

select * from currency_pairs
