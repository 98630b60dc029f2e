"""The default tags as plain data: (kind, name, description). Imports no Django, so that migrations can use it.

A description is one line in the words that people use about themselves, since its vector is compared with bios.
"""

from __future__ import annotations

DOMAIN = "domain"
INDUSTRY = "industry"

_DOMAINS: tuple[tuple[str, str], ...] = (
    (
        "Accessibility",
        "Makes websites and apps usable for people with disabilities: screen readers, WCAG audits, inclusive design.",
    ),
    (
        "Agile delivery",
        "Coaches teams in Scrum, Kanban and agile ways of working: backlogs, sprints, retrospectives.",
    ),
    ("API design", "Designs and documents REST and GraphQL web APIs, contracts between services, integrations."),
    (
        "Audit and internal control",
        "Audits companies, tests internal controls, prepares for external auditors, fraud detection.",
    ),
    (
        "Automation and robotics",
        "Builds robots and automated production lines: PLCs, drones, sensors, industrial control.",
    ),
    (
        "Brand and communication",
        "Builds brands and tells a company's story: positioning, press relations, corporate communication.",
    ),
    (
        "Business intelligence",
        "Builds dashboards, reports and key figures that managers steer by: data warehouse, SQL, Power BI.",
    ),
    (
        "Change management",
        "Guides organisations and their people through reorganisation, mergers and new ways of working.",
    ),
    (
        "Cloud infrastructure",
        "Designs and runs cloud platforms on AWS, Azure or Google Cloud: migration, cost, infrastructure as code.",
    ),
    (
        "Community building",
        "Builds and moderates communities: volunteers, meetups, open source contributors, diversity and inclusion.",
    ),
    ("Computer vision", "Recognises objects in images and video: cameras, image processing, convolutional networks."),
    (
        "Construction management",
        "Manages building sites and construction projects: planning, contractors, safety, cost.",
    ),
    (
        "Content and copywriting",
        "Writes articles, documentation, web texts and speeches; editing, journalism, technical writing.",
    ),
    (
        "Customer experience",
        "Improves customer service, contact centres and customer journeys; complaints, satisfaction, loyalty.",
    ),
    (
        "Cybersecurity",
        "Protects systems against attacks: penetration tests, vulnerabilities, incident response, cryptography.",
    ),
    (
        "Data engineering",
        "Builds data pipelines and platforms: ETL, Spark, Kafka, streaming, data lakes, orchestration.",
    ),
    (
        "Data science",
        "Analyses data with statistics and notebooks: pandas, exploration, models, visualisation, experiments.",
    ),
    ("Databases", "Designs, tunes and runs databases: PostgreSQL, MySQL, NoSQL, query performance, replication."),
    (
        "DevOps",
        "Automates building, releasing and running software: continuous integration, containers, "
        "Kubernetes, monitoring.",
    ),
    (
        "Digital transformation",
        "Brings digital products and processes into traditional organisations: strategy, roadmap, platforms.",
    ),
    ("E-commerce", "Builds and grows online shops and marketplaces: conversion, checkout, assortment, payments."),
    (
        "Embedded systems",
        "Programs microcontrollers and connected devices: firmware, electronics, internet of things, Raspberry Pi.",
    ),
    (
        "Energy transition",
        "Solar, wind, storage and heat networks: moving buildings and grids away from fossil fuel.",
    ),
    (
        "Environmental science",
        "Studies climate, water, soil and biodiversity: field measurements, modelling, impact assessments.",
    ),
    (
        "Facilitation and training",
        "Teaches workshops and courses to professionals, trains trainers, facilitates groups.",
    ),
    (
        "Financial planning and control",
        "Budgets, forecasts, cash flow and cost control as controller or chief financial officer.",
    ),
    (
        "Financial modelling",
        "Models prices, portfolios and valuations: quantitative finance, derivatives, trading strategies.",
    ),
    ("Game development", "Designs and programs video games: game engines, graphics, 3D animation, players."),
    ("Geographic information", "Maps and spatial analysis: GIS, satellite images, remote sensing, location data."),
    (
        "Growth and marketing",
        "Wins customers with campaigns, search engine optimisation, social media and advertising.",
    ),
    (
        "Healthcare operations",
        "Organises hospitals and clinics: patient flow, waiting lists, operating rooms, bed capacity, care pathways.",
    ),
    ("Human resources", "Personnel policy, employee relations, pay, absence, performance and culture."),
    (
        "Information architecture and search",
        "Makes information findable: search engines, knowledge graphs, taxonomies, libraries, retrieval.",
    ),
    ("Interim management", "Leads companies and departments temporarily in times of crisis, turnaround or vacancy."),
    (
        "IT architecture",
        "Designs the architecture of large software systems: microservices, domain-driven design, "
        "integration, legacy.",
    ),
    ("Leadership coaching", "Coaches managers, founders and teams in leadership, careers and personal growth."),
    (
        "Legal counsel",
        "Advises on contracts, corporate law, disputes, intellectual property and licences as a lawyer.",
    ),
    (
        "Machine learning",
        "Trains and deploys machine learning models: neural networks, deep learning, PyTorch, TensorFlow, MLOps.",
    ),
    (
        "Maintenance and reliability",
        "Keeps machines and installations running: preventive maintenance, failure analysis, asset management.",
    ),
    (
        "Mergers and acquisitions",
        "Buys, sells and values companies: due diligence, deal structuring, integration after a merger.",
    ),
    ("Mobile development", "Builds mobile apps for iOS and Android: Swift, Kotlin, Flutter, React Native."),
    (
        "Natural language processing",
        "Text mining, large language models, chatbots, machine translation and speech recognition.",
    ),
    (
        "Network engineering",
        "Designs and runs computer networks: routers, protocols, wireless, telecom infrastructure.",
    ),
    ("Policy and public affairs", "Writes public policy and deals with government, regulators and parliament."),
    ("Privacy and data protection", "GDPR, privacy impact assessments, data protection officer, anonymisation."),
    (
        "Process improvement",
        "Makes processes faster and leaner: Lean, Six Sigma, waste, lead times, continuous improvement.",
    ),
    (
        "Procurement",
        "Buys goods and services: tenders, supplier selection, contract negotiation, category management.",
    ),
    (
        "Product management",
        "Decides what a product must do: discovery, roadmap, priorities, users, product-market fit.",
    ),
    (
        "Project and programme management",
        "Leads large projects and programmes to the deadline and within budget: planning, risk, stakeholders.",
    ),
    (
        "Quality and compliance",
        "Quality systems, ISO certification, regulatory compliance, inspections and validation.",
    ),
    ("Recruitment", "Finds, selects and hires talent: sourcing, interviews, employer branding, labour market."),
    (
        "Risk management",
        "Identifies and models risks: credit risk, operational risk, stress tests, insurance, business continuity.",
    ),
    ("Sales", "Sells to businesses, leads sales teams, negotiates with key accounts, builds partnerships."),
    (
        "Scientific computing",
        "Numerical simulation and research software: physics, astronomy, bioinformatics, high-performance computing.",
    ),
    (
        "Software engineering",
        "Writes software: programming languages, code quality, refactoring, compilers, concurrency, performance.",
    ),
    ("Software testing", "Tests software: automated tests, test-driven development, quality assurance, debugging."),
    ("Supply chain and logistics", "Plans stock, warehouses, transport and deliveries along the supply chain."),
    ("Sustainability", "Makes companies sustainable: carbon footprint, circular economy, ESG reporting."),
    ("Tax", "Advises on taxes: corporate tax, VAT, transfer pricing, international structures."),
    ("Urban planning", "Plans cities, neighbourhoods, housing, public space and mobility."),
    (
        "User experience design",
        "Designs interfaces and researches users: prototypes, usability tests, design systems, interaction.",
    ),
    (
        "Web development",
        "Builds websites and web applications: Django, JavaScript, front end and back end, HTML, CSS.",
    ),
)

_INDUSTRIES: tuple[tuple[str, str], ...] = (
    ("Agriculture and food", "Farms, crops, livestock, greenhouses, food production and food processing."),
    ("Arts, media and entertainment", "Publishing, television, film, music, museums, games and journalism."),
    (
        "Construction and real estate",
        "Building contractors, housing associations, property developers, architects, real estate.",
    ),
    ("Education", "Schools, universities, teachers, students, learning and curriculum."),
    ("Energy and utilities", "Electricity, gas, water companies, grid operators, wind and solar parks."),
    ("Finance and insurance", "Banks, insurers, pension funds, payments, trading and fintech."),
    ("Government", "Municipalities, ministries, public administration, civic services, elections."),
    ("Healthcare", "Hospitals, clinics, elderly care, mental health care, doctors, nurses and patients."),
    ("Life sciences", "Biotechnology, pharmaceuticals, medical devices, genomics, laboratories, clinical trials."),
    ("Manufacturing", "Factories, machines, production lines, automotive, chemical and high-tech industry."),
    ("Non-profit", "Charities, foundations, humanitarian aid, development organisations and volunteers."),
    ("Retail and hospitality", "Shops, supermarkets, online stores, fashion, hotels, restaurants and tourism."),
    ("Technology and telecom", "Software companies, start-ups, internet services, open source, telecom operators."),
    ("Transport and logistics", "Ports, shipping, railways, aviation, public transport, trucking and warehouses."),
)

DEFAULT_TAGS: tuple[tuple[str, str, str], ...] = (
    *((DOMAIN, name, description) for name, description in _DOMAINS),
    *((INDUSTRY, name, description) for name, description in _INDUSTRIES),
)
"""(kind, name, description), the domains first; names are unique, at most 80 characters, descriptions 300."""
